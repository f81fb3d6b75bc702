#include "daemon/grpc/wire.hpp"

#include <google/protobuf/descriptor.h>

#include <chrono>

#include "base/text.hpp"

namespace runed::daemon {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

void escape_field(Message& message, const FieldDescriptor& field) {
  const auto& reflection = *message.GetReflection();
  if (!field.is_repeated()) {
    const std::string text = reflection.GetString(message, &field);
    reflection.SetString(&message, &field, escape_invalid_utf8(text));
    return;
  }
  for (int i = 0; i < reflection.FieldSize(message, &field); ++i) {
    const std::string text = reflection.GetRepeatedString(message, &field, i);
    reflection.SetRepeatedString(&message, &field, i, escape_invalid_utf8(text));
  }
}

void escape_messages(Message& message, const FieldDescriptor& field) {
  const auto& reflection = *message.GetReflection();
  if (!field.is_repeated()) {
    escape_texts(*reflection.MutableMessage(&message, &field));
    return;
  }
  for (int i = 0; i < reflection.FieldSize(message, &field); ++i) {
    escape_texts(*reflection.MutableRepeatedMessage(&message, &field, i));
  }
}

Error unknown_value(const char* field, std::string_view what, int value) {
  return make_error(ErrorCode::invalid_argument, "unknown {} {}", what, value)
      .with_hint("the values are in runed.proto; a newer client may know more than this daemon")
      .with(fact::kField, field)
      .with(Fact<int64_t>{"value"}, value);
}

// What calls for vectors and for scores have in common.
template <typename Request>
Result<EmbedOptions> read_common_options(const Request& request) {
  EmbedOptions options;
  switch (request.truncate()) {
    case v1::raw::TRUNCATE_ERROR:
      break;
    case v1::raw::TRUNCATE_RIGHT:
      options.truncate = Truncate::right;
      break;
    case v1::raw::TRUNCATE_LEFT:
      options.truncate = Truncate::left;
      break;
    default:
      return unknown_value("truncate", "truncation", request.truncate());
  }
  TRY(check_utf8("instruction", request.instruction()));
  options.instruction = request.instruction();
  return options;
}

// The option fields are the same in each.
template <typename Request>
Result<EmbedOptions> read_options_of(const Request& request) {
  TRY_ASSIGN(EmbedOptions options, read_common_options(request));
  switch (request.input_type()) {
    case v1::raw::INPUT_TYPE_UNSPECIFIED:
      break;
    case v1::raw::INPUT_TYPE_DOCUMENT:
      options.input_type = InputType::document;
      break;
    case v1::raw::INPUT_TYPE_QUERY:
      options.input_type = InputType::query;
      break;
    default:
      return unknown_value("input_type", "input type", request.input_type());
  }
  options.dimensions = request.dimensions();
  TRY(check_utf8("prompt_name", request.prompt_name()));
  options.prompt_name = request.prompt_name();
  return options;
}

void fill(const Prompt& prompt, v1::Prompt& message) {
  message.set_prefix(prompt.prefix);
  message.set_default_task(prompt.default_task);
}

// The fields are the same in both.
template <typename Message>
void fill_spec(const embed::ModelSpec& spec, Message& response) {
  response.set_prompt_source(std::string(name_of(spec.prompts.source)));
  if (spec.prompts.is_known()) {
    fill(spec.prompts.value.query, *response.mutable_query_prompt());
    fill(spec.prompts.value.document, *response.mutable_document_prompt());
    for (const embed::NamedPrompt& prompt : list_prompts(spec.prompts.value)) {
      v1::NamedPrompt& named = *response.add_named_prompts();
      named.set_name(prompt.name);
      named.set_text(prompt.text);
    }
    response.set_default_prompt_name(spec.prompts.value.default_name);
  }
  response.mutable_pooling()->set_name(std::string(name_of(spec.pooling.value)));
  response.mutable_pooling()->set_source(std::string(name_of(spec.pooling.source)));
  response.set_min_dimensions(static_cast<int32_t>(spec.min_dimensions.value));
}

}  // namespace

v1::HealthResponse::Status to_wire(Serving serving) {
  switch (serving) {
    case Serving::loading:
      return v1::HealthResponse::STATUS_LOADING;
    case Serving::ok:
      return v1::HealthResponse::STATUS_OK;
    case Serving::idle:
      return v1::HealthResponse::STATUS_IDLE;
    case Serving::degraded:
      return v1::HealthResponse::STATUS_DEGRADED;
    case Serving::shutting_down:
      return v1::HealthResponse::STATUS_SHUTTING_DOWN;
  }
  return v1::HealthResponse::STATUS_UNSPECIFIED;
}

v1::HealthResponse::Phase to_wire(Phase phase) {
  switch (phase) {
    case Phase::none:
      return v1::HealthResponse::PHASE_UNSPECIFIED;
    case Phase::fetching_llama_server:
      return v1::HealthResponse::PHASE_FETCHING_LLAMA_SERVER;
    case Phase::fetching_model:
      return v1::HealthResponse::PHASE_FETCHING_MODEL;
    case Phase::starting_engine:
      return v1::HealthResponse::PHASE_STARTING_LLAMA_SERVER;
  }
  return v1::HealthResponse::PHASE_UNSPECIFIED;
}

void fill(const LoadStatistics& load, v1::LoadStatistics& message) {
  message.set_passes(load.passes);
  message.set_pass_texts(load.pass_texts);
  message.set_pass_tokens(load.pass_tokens);
  message.set_pass_microseconds(
      std::chrono::duration_cast<std::chrono::microseconds>(load.pass_time).count());
  message.set_cached_texts(load.cached_texts);
  message.set_shared_texts(load.shared_texts);
  message.set_refused_calls(load.refused_calls);
  message.set_cancelled_calls(load.cancelled_calls);
  message.set_tokens_per_second(load.tokens_per_second);
  message.mutable_wait_counts()->Assign(load.wait_counts.begin(), load.wait_counts.end());
  message.mutable_pass_text_counts()->Assign(load.pass_text_counts.begin(),
                                             load.pass_text_counts.end());
}

void fill(const embed::ModelSpec& spec, v1::InfoResponse& response) {
  fill_spec(spec, response);
}

void fill(const embed::ModelSpec& spec, v1::ModelInfo& message) {
  fill_spec(spec, message);
}

Origin origin_of(const Api::Admitted& admitted) {
  const auto model = admitted.model->state().model();
  return {.model_identity =
              model == nullptr ? std::string() : embed::model_identity(model->model_sha256),
          .route = admitted.route};
}

void fill(const Embedding& embedding, const Origin& origin, v1::EmbedResponse& response) {
  response.mutable_vector()->Assign(embedding.vector.begin(), embedding.vector.end());
  response.set_token_count(embedding.token_count);
  response.set_tokens_dropped(embedding.tokens_dropped);
  response.set_model_identity(origin.model_identity);
  response.set_norm(embedding.norm);
  if (origin.route == nullptr) return;
  response.set_cluster_id(embedding.cluster_id);
  response.set_centroid_set_version(origin.route->version());
}

void escape_texts(Message& reply) {
  std::vector<const FieldDescriptor*> fields;
  reply.GetReflection()->ListFields(reply, &fields);
  for (const FieldDescriptor* field : fields) {
    if (field->cpp_type() == FieldDescriptor::CPPTYPE_STRING) escape_field(reply, *field);
    if (field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) escape_messages(reply, *field);
  }
}

Status check_utf8(const char* field, const std::string& value) {
  const auto invalid = find_invalid_utf8(value);
  if (!invalid.has_value()) return {};
  return make_error(ErrorCode::not_utf8, "the {} is not UTF-8 at byte {}", field, *invalid)
      .with(fact::kField, field)
      .with(fact::kByteOffset, *invalid);
}

Result<EmbedOptions> read_options(const v1::raw::EmbedRequest& request) {
  return read_options_of(request);
}

Result<EmbedOptions> read_options(const v1::raw::EmbedBatchRequest& request) {
  return read_options_of(request);
}

Result<EmbedOptions> read_options(const v1::raw::EmbedOptions& options) {
  return read_options_of(options);
}

Result<EmbedOptions> read_options(const v1::raw::RerankRequest& request) {
  return read_common_options(request);
}

}  // namespace runed::daemon
