#include "engine_arithmetic.hpp"

#include <numeric>

namespace runed::bench {

using embed::native::Phase;

double Arithmetic::total() const {
  return std::accumulate(by_phase.begin(), by_phase.end(), 0.0);
}

Arithmetic count_arithmetic(const embed::ModelSpec& spec,
                            std::span<const embed::PreparedText> texts) {
  const double width = spec.width;
  const double query_width = double{1} * spec.heads * spec.head_width;
  const double kv_width = double{1} * spec.kv_heads * spec.head_width;
  const bool is_of_one_token = spec.pooling.value != embed::Pooling::mean;
  const double full_layers = is_of_one_token ? spec.layers - 1 : spec.layers;
  double tokens = 0;
  double seen = 0;       // Keys seen by a query, of all queries.
  double seen_last = 0;  // The same of the one token of each text that is pooled.
  for (const embed::PreparedText& text : texts) {
    const auto length = static_cast<double>(text.ids.size());
    tokens += length;
    seen += spec.mask == embed::Mask::causal ? length * (length + 1) / 2 : length * length;
    seen_last += length;
  }
  const double asking =
      full_layers * tokens + (is_of_one_token ? static_cast<double>(texts.size()) : 0);
  const double asked = full_layers * seen + (is_of_one_token ? seen_last : 0);
  const double wide_matrices = spec.activation == embed::Activation::swiglu ? 2 : 1;

  Arithmetic arithmetic;
  const auto of = [&](Phase phase) -> double& {
    return arithmetic.by_phase[static_cast<size_t>(phase)];
  };
  of(Phase::qkv) = asking * width * query_width + spec.layers * tokens * width * 2 * kv_width;
  of(Phase::attention) = asked * 2 * query_width;  // Scores, then the weighted sum of values.
  of(Phase::output) = asking * query_width * width;
  of(Phase::gate_up) = asking * wide_matrices * width * spec.ff_width;
  of(Phase::down) = asking * spec.ff_width * width;
  return arithmetic;
}

}  // namespace runed::bench
