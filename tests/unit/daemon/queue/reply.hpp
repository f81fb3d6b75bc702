#pragma once

#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "daemon/queue/job.hpp"
#include "support/result_matchers.hpp"

namespace runed::test {

/// What a call was told, and how often.
struct Told {
  std::optional<Result<std::vector<Embedding>>> result;
  int times = 0;
  bool is_lost = false;       // It was told so.
  bool is_cancelled = false;  // The caller has left.
};

/// A caller, as its test sees it.
class Reply {
 public:
  /// Makes the answer that this caller is owed. Needs: once.
  daemon::EmbedAnswer make_answer() { return daemon::EmbedAnswer(std::make_unique<ToTold>(told_)); }

  const Told& told() const { return *told_; }
  bool is_told() const { return told_->times > 0; }
  void cancel() { told_->is_cancelled = true; }

  /// Needs: it was told a result.
  const Result<std::vector<Embedding>>& result() const {
    REQUIRE(told_->result.has_value());
    return *told_->result;
  }

 private:
  class ToTold final : public daemon::EmbedReceiver {
   public:
    explicit ToTold(std::shared_ptr<Told> told) : told_(std::move(told)) {}

    void receive(Result<std::vector<Embedding>> result) override {
      told_->result = std::move(result);
      ++told_->times;
    }
    void drop() noexcept override {
      told_->is_lost = true;
      ++told_->times;
    }
    bool is_cancelled() const noexcept override { return told_->is_cancelled; }

   private:
    const std::shared_ptr<Told> told_;
  };

  std::shared_ptr<Told> told_ = std::make_shared<Told>();
};

}  // namespace runed::test
