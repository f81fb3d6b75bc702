#include "daemon/models/engine_choice.hpp"

#include "engine_fixture.hpp"

using runed::Error;
using runed::ErrorCode;
using runed::Result;
using runed::bootstrap::EngineKind;
using runed::bootstrap::Origin;
using runed::bootstrap::ReadyModel;
using runed::daemon::choose_engine;
using runed::daemon::EngineChoice;
using runed::test::small_qwen3;
using runed::test::unwrap;
using runed::test::unwrap_error;
using runed::test::write_text;

namespace {

/// A machine, with or without a GPU, and what is asked of it.
struct Fixture : runed::test::EngineFixture {
  Result<EngineChoice> choose(const ReadyModel& model) {
    return choose_engine({.paths = paths,
                          .settings = settings,
                          .model = model,
                          .environment = environment,
                          .get_llama_server =
                              [this]() -> Result<std::string> {
                                ++gets;
                                if (fault.has_value()) return *fault;
                                return ensure_server();
                              }},
                         {.has_device = [this] { return has_device; },
                          .find_usable =
                              [this](const std::string& executable) {
                                CHECK_FALSE(executable.empty());
                                ++looks;
                                return usable;
                              }});
  }
  void ask_for(EngineKind engine, Origin origin) { settings.engine = {engine, origin}; }
  std::string installed() const { return paths.llama_cpp_dir + "/llama-server"; }

  bool has_device = false;
  Result<std::string> usable = std::string();  // What the llama-server says of GPUs.
  std::optional<Error> fault;                    // Of getting a llama-server.
  int gets = 0;
  int looks = 0;
};

const runed::test::GgufBuilder kOther = runed::test::small_llama_embed();

}  // namespace

TEST_CASE("auto is native where it can serve the model, and nothing is fetched") {
  Fixture fixture;
  const EngineChoice choice = unwrap(fixture.choose(fixture.builtin));
  CHECK(choice.engine == EngineKind::native);
  CHECK(choice.executable.empty());
  CHECK(choice.reason == "it can serve this model");
  CHECK(fixture.gets == 0);
  CHECK(fixture.looks == 0);
}

TEST_CASE("auto is llama-server where the native engine cannot serve the model") {
  Fixture fixture;
  const EngineChoice choice = unwrap(fixture.choose(fixture.make_model(kOther)));
  CHECK(choice.engine == EngineKind::llama_server);
  CHECK(choice.executable == fixture.installed());
  CHECK(choice.reason ==
        "the native engine cannot serve this model: key 'general.architecture' is 'llama-embed' "
        "where one of these was expected: bert, "
        "eurobert, gemma-embedding, gte, jina-bert-v3, modern-bert, mpnet, nomic-bert, qwen2, "
        "qwen3, static");
}

TEST_CASE("a reranker is for the native engine, whatever there is beside it") {
  Fixture fixture;
  const ReadyModel model{.path = RUNED_TEST_DATA "/tiny_gguf/rerank-qwen3.f16.gguf"};
  fixture.has_device = true;
  fixture.usable = "GPU";
  const EngineChoice choice = unwrap(fixture.choose(model));
  CHECK(choice.engine == EngineKind::native);
  CHECK(choice.reason == "the model is a reranker, which it alone serves");
  CHECK(fixture.looks == 0);
  CHECK(fixture.gets == 0);
  fixture.ask_for(EngineKind::native, Origin::flag);
  CHECK(unwrap(fixture.choose(model)).engine == EngineKind::native);
  fixture.ask_for(EngineKind::llama_server, Origin::flag);
  const Error error = unwrap_error(fixture.choose(model));
  CHECK(error.code == ErrorCode::model_unsupported);
  CHECK(error.message.find("the model is a reranker, which llama-server does not compute as its "
                           "makers do") != std::string::npos);
  CHECK(error.hint == "leave the engine at auto, or name native");
}

TEST_CASE("a model that neither engine can be had for is an error about the model") {
  Fixture fixture;
  const ReadyModel model = fixture.make_model(kOther);
  std::filesystem::remove(fixture.server_source());
  const Error error = unwrap_error(fixture.choose(model));
  CHECK(error.code == ErrorCode::model_unsupported);
  CHECK(error.message ==
        "cannot use the model '" + model.path +
            "': key 'general.architecture' is 'llama-embed' where one of these was expected: bert, "
            "eurobert, gemma-embedding, gte, jina-bert-v3, modern-bert, mpnet, nomic-bert, qwen2, "
            "qwen3, static");
  CHECK(error.hint.find("llama-server may serve it, but: ") == 0);
  CHECK(error.hint.find(fixture.server_source()) != std::string::npos);
}

TEST_CASE("a llama-server that cannot be fetched now is no fault of the model") {
  Fixture fixture;
  fixture.fault = runed::make_error(ErrorCode::network, "cannot fetch 'https://h/x': no route")
                      .with_hint("check the connection");
  const Error error = unwrap_error(fixture.choose(fixture.make_model(kOther)));
  CHECK(error.code == ErrorCode::network);
  CHECK(error.message ==
        "this model needs llama-server, and that cannot be had: cannot fetch 'https://h/x': no "
        "route");
  CHECK(error.hint == "check the connection");
}

TEST_CASE("a model that nobody knows the pooling of goes to no engine") {
  Fixture fixture;
  const std::string digest(64, 'a');
  const auto choose = [&fixture, &digest](const runed::test::GgufBuilder& builder,
                                          const std::string& pooling = {}) {
    ReadyModel model = fixture.make_model(builder);
    model.sha256 = digest;
    if (!pooling.empty()) model.published = {{.sha256 = digest, .pooling = pooling}};
    return fixture.choose(model);
  };
  for (const auto& [builder, key] :
       {std::pair(small_qwen3().erase("qwen3.pooling_type"), "qwen3.pooling_type"),
        std::pair(runed::test::small_llama_embed().erase("llama-embed.pooling_type"),
                  "llama-embed.pooling_type")}) {
    const Error error = unwrap_error(choose(builder));
    CHECK(error.code == ErrorCode::model_unsupported);
    CHECK(error.message.find(fmt::format("the file has no key '{}'", key)) != std::string::npos);
    CHECK(fixture.gets == 0);
  }
  // Unless a manifest says it of this very file.
  unwrap(choose(runed::test::small_llama_embed().erase("llama-embed.pooling_type"), "mean"));
  CHECK(fixture.gets == 1);
}

TEST_CASE("what is wrong for any engine counts before a tensor type that ours has not") {
  Fixture fixture;
  const auto with_foreign_tensor = [](runed::test::GgufBuilder builder) {
    return builder.tensor_raw("token_embd.weight", 999, {1}, 0);
  };
  const Error error = unwrap_error(fixture.choose(
      fixture.make_model(with_foreign_tensor(small_qwen3().erase("qwen3.pooling_type")))));
  CHECK(error.message.find("nobody says how a text becomes one vector") != std::string::npos);
  CHECK(fixture.gets == 0);
}

TEST_CASE("a file that no engine would compute right goes to none") {
  Fixture fixture;
  for (const char* key : {"tokenizer.ggml.add_eos_token", "qwen3.rope.freq_base"}) {
    CAPTURE(key);
    const Error error = unwrap_error(fixture.choose(fixture.make_model(small_qwen3().erase(key))));
    CHECK(error.code == ErrorCode::model_unsupported);
    CHECK(error.message.find(std::string("key '") + key + "' is missing") != std::string::npos);
    CHECK(fixture.gets == 0);
  }
  const Error wrong = unwrap_error(
      fixture.choose(fixture.make_model(small_qwen3().set("qwen3.rope.freq_base", 1e4F))));
  CHECK(wrong.code == ErrorCode::model_unsupported);
  fixture.ask_for(EngineKind::llama_server, Origin::flag);
  CHECK(unwrap_error(fixture.choose({.path = fixture.dir / "model.gguf"})).message ==
        wrong.message);
  CHECK(fixture.gets == 0);
}

TEST_CASE("a damaged file goes to no engine") {
  Fixture fixture;
  write_text(fixture.dir / "model.gguf", "GGUF");
  const Error error = unwrap_error(fixture.choose({.path = fixture.dir / "model.gguf"}));
  CHECK(error.code == ErrorCode::model_corrupt);
  fixture.ask_for(EngineKind::llama_server, Origin::flag);
  CHECK(unwrap_error(fixture.choose({.path = fixture.dir / "model.gguf"})).message ==
        error.message);
  CHECK(fixture.gets == 0);
}

TEST_CASE("auto is the llama-server that is named, and says who named it") {
  Fixture fixture;
  const std::string program = fixture.make_program("my-server");
  fixture.settings.llama_server = {program, Origin::environment};
  const EngineChoice choice = unwrap(fixture.choose(fixture.builtin));
  CHECK(choice.engine == EngineKind::llama_server);
  CHECK(choice.executable == program);
  CHECK(choice.reason == "RUNED_LLAMA_SERVER names '" + program + "'");
}

TEST_CASE("a named llama-server that cannot be run is an error, with a GPU and without one") {
  Fixture fixture;
  fixture.settings.llama_server = {"/no/such", Origin::environment};
  for (const bool has_device : {false, true}) {
    fixture.has_device = has_device;
    const Error error = unwrap_error(fixture.choose(fixture.builtin));
    CHECK(error.code == ErrorCode::bad_config);
    CHECK(error.message == "RUNED_LLAMA_SERVER names '/no/such', which is not there");
  }
}

TEST_CASE("auto is an installed llama-server that can use a GPU") {
  Fixture fixture;
  unwrap(fixture.ensure_server());
  fixture.has_device = true;
  fixture.usable = "CUDA0";
  const EngineChoice choice = unwrap(fixture.choose(fixture.builtin));
  CHECK(choice.engine == EngineKind::llama_server);
  CHECK(choice.executable == fixture.installed());
  CHECK(choice.reason == "a GPU is present: CUDA0");
  CHECK(fixture.gets == 0);

  fixture.usable = std::string();
  CHECK(unwrap(fixture.choose(fixture.builtin)).reason == "it can serve this model");
  CHECK(fixture.looks == 2);
  fixture.has_device = false;
  CHECK(unwrap(fixture.choose(fixture.builtin)).engine == EngineKind::native);
  CHECK(fixture.looks == 2);  // Nobody is asked about a GPU that is not there.
}

TEST_CASE("no llama-server is fetched for the sake of a GPU") {
  Fixture fixture;
  fixture.has_device = true;
  fixture.usable = "CUDA0";
  CHECK(unwrap(fixture.choose(fixture.builtin)).reason == "it can serve this model");
  CHECK(fixture.looks == 0);
  CHECK(fixture.gets == 0);
}

TEST_CASE("auto says why it is not known whether a GPU can be used") {
  Fixture fixture;
  unwrap(fixture.ensure_server());
  fixture.has_device = true;
  fixture.usable = runed::make_error(ErrorCode::io, "no answer");
  const EngineChoice choice = unwrap(fixture.choose(fixture.builtin));
  CHECK(choice.engine == EngineKind::native);
  CHECK(choice.reason ==
        "it can serve this model; whether a GPU can be used is not known: no answer");
  write_text(fixture.installed(), "changed");
  CHECK(unwrap(fixture.choose(fixture.builtin)).reason ==
        "it can serve this model; whether a GPU can be used is not known: the llama-server in '" +
            fixture.paths.llama_cpp_dir + "' is not as it was installed");
}

TEST_CASE("an engine that is asked for is the one, whatever else there is") {
  Fixture fixture;
  fixture.has_device = true;
  fixture.usable = "CUDA0";
  fixture.settings.llama_server = {fixture.make_program("my-server"), Origin::environment};
  fixture.ask_for(EngineKind::native, Origin::flag);
  const EngineChoice native = unwrap(fixture.choose(fixture.builtin));
  CHECK(native.engine == EngineKind::native);
  CHECK(native.reason == "--engine says so");

  fixture.settings.llama_server = {};
  fixture.ask_for(EngineKind::llama_server, Origin::environment);
  const EngineChoice server = unwrap(fixture.choose(fixture.builtin));
  CHECK(server.engine == EngineKind::llama_server);
  CHECK(server.executable == fixture.installed());
  CHECK(server.reason == "RUNED_ENGINE says so");
  fixture.ask_for(EngineKind::llama_server, Origin::config);
  CHECK(unwrap(fixture.choose(fixture.builtin)).reason == "engine in config.json says so");
}

TEST_CASE("an engine that is asked for and cannot be is an error with a way out") {
  Fixture fixture;
  fixture.ask_for(EngineKind::native, Origin::flag);
  const Error native = unwrap_error(fixture.choose(fixture.make_model(kOther)));
  CHECK(native.code == ErrorCode::model_unsupported);
  CHECK(native.hint == "llama-server may serve it: leave the engine at auto, or name that");

  fixture.ask_for(EngineKind::llama_server, Origin::flag);
  write_text(fixture.dir / "manifest.json", R"({"version":1})");
  const Error server = unwrap_error(fixture.choose(fixture.builtin));
  CHECK(server.code == ErrorCode::bad_config);
  CHECK(server.hint.find("RUNED_LLAMA_SERVER") != std::string::npos);
}

TEST_CASE("a directory is for the native engine alone, and nothing is fetched for it") {
  const std::string path = std::string(RUNED_TEST_DATA) + "/tiny/bert-mean";
  const ReadyModel model{.path = path};
  Fixture fixture;
  fixture.ask_for(EngineKind::llama_server, Origin::flag);
  const Error error = unwrap_error(fixture.choose(model));
  CHECK(error.code == ErrorCode::model_unsupported);
  CHECK(error.message == "the model '" + path +
                             "' is a directory, which llama-server cannot read (--engine says so)");
  CHECK(error.hint ==
        "write it as a GGUF file, and name that: runed convert '" + path + "' -o FILE.gguf");
  // Whatever GPU it could use.
  fixture.ask_for(EngineKind::auto_select, Origin::default_value);
  fixture.has_device = true;
  fixture.usable = std::string("a GPU");
  const auto choice = fixture.choose(model);
  CHECK((!choice || choice->engine == EngineKind::native));
  CHECK(fixture.gets == 0);
  CHECK(fixture.looks == 0);
}

TEST_CASE("a directory that nobody can read is refused with what is wrong in it") {
  Fixture fixture;
  fixture.ask_for(EngineKind::llama_server, Origin::flag);
  const std::string path = std::string(RUNED_TEST_DATA) + "/tiny/bert-pickle-only";
  CHECK(unwrap_error(fixture.choose({.path = path}))
            .message.starts_with("the model '" + path + "' is a directory"));
  fixture.ask_for(EngineKind::auto_select, Origin::default_value);
  CHECK(
      unwrap_error(fixture.choose({.path = path})).message ==
      "cannot use the model '" + path +
          "': the weights are in pytorch_model.bin alone, a Python pickle, which is a program and "
          "is never loaded");
  CHECK(fixture.gets == 0);
}
