// The table of known models. A row that was released is never changed, because the vectors that
// were made by it are in indexes: what turns out wrong is mended by a new row, for what tells the
// two apart. A row needs all of its facts from the model's makers; what is not certain is left out.
//
// The column of architectures is what the published files call theirs: a fact of each model, compared
// and never acted upon, so that it is spelled here and not taken from the rows of architectures.
//
// Sources: the models' cards and config_sentence_transformers.json for prompts and dimensions,
// 1_Pooling/config.json for pooling, sentence_bert_config.json for the longest text, config.json for
// sizes, and the tokens of the published GGUFs.
#include "embed/model/known_models.hpp"

#include <algorithm>
#include <array>

namespace runed::embed {
namespace {

constexpr std::string_view kQwenQuery = "Instruct: {task}\nQuery:";  // No space at its end.
constexpr std::string_view kQwenTask =
    "Given a web search query, retrieve relevant passages that answer the query";
constexpr std::string_view kBgeQuery = "Represent this sentence for searching relevant passages: ";
constexpr std::string_view kBgeChineseQuery = "为这个句子生成表示以用于检索相关文章：";
constexpr std::string_view kE5Query = "query: ";
constexpr std::string_view kE5Document = "passage: ";
constexpr std::string_view kNomicQuery = "search_query: ";
constexpr std::string_view kNomicDocument = "search_document: ";
constexpr std::string_view kGemmaQuery = "task: search result | query: ";
constexpr std::string_view kGemmaDocument = "title: none | text: ";
constexpr std::string_view kJinaQuery = "Represent the query for retrieving evidence documents: ";
constexpr std::string_view kJinaDocument = "Represent the document for retrieval: ";
constexpr std::string_view kNothing = "";

constexpr uint32_t kBertTokens = 30522;   // Of bert-base-uncased.
constexpr uint32_t kXlmrTokens = 250002;  // Of xlm-roberta-base.
constexpr uint32_t kSmallXlmrTokens = 250037;  // Of Multilingual-MiniLM-L12-H384.
constexpr uint32_t kModernBertTokens = 50368;  // Of ModernBERT-base.

constexpr auto mean = Pooling::mean;
constexpr auto cls = Pooling::cls;
constexpr auto last = Pooling::last;

// Of nomic-embed-text-v1.5 a shorter vector needs a layer norm before the cut, which ours has not.
constexpr KnownModel kModels[] = {
    // Trained without prompts, and for 64 and 128 dimensions: models/EVAL.md.
    {"runed-mini", "qwen3", 1, 256, 32000, last, kNothing, {}, kNothing, 64},

    {"Qwen3-Embedding-0.6B", "qwen3", 28, 1024, 151669, last, kQwenQuery, kQwenTask, kNothing, 32},
    {"Qwen3-Embedding-4B", "qwen3", 36, 2560, 151665, last, kQwenQuery, kQwenTask, kNothing, 32},
    {"Qwen3-Embedding-8B", "qwen3", 36, 4096, 151665, last, kQwenQuery, kQwenTask, kNothing, 32},

    {"all-MiniLM-L6-v2", "bert", 6, 384, kBertTokens, mean, kNothing, {}, kNothing, 0},
    {"all-MiniLM-L12-v2", "bert", 12, 384, kBertTokens, mean, kNothing, {}, kNothing, 0},

    {"paraphrase-multilingual-MiniLM-L12-v2",
     "bert",
     12,
     384,
     kSmallXlmrTokens,
     mean,
     kNothing,
     {},
     kNothing,
     0},
    {"all-mpnet-base-v2", "mpnet", 12, 768, 30527, mean, kNothing, {}, kNothing, 0},

    {"bge-small-en-v1.5", "bert", 12, 384, kBertTokens, cls, kBgeQuery, {}, kNothing, 0},
    {"bge-base-en-v1.5", "bert", 12, 768, kBertTokens, cls, kBgeQuery, {}, kNothing, 0},
    {"bge-large-en-v1.5", "bert", 24, 1024, kBertTokens, cls, kBgeQuery, {}, kNothing, 0},
    {"bge-small-zh-v1.5", "bert", 4, 512, 21128, cls, kBgeChineseQuery, {}, kNothing, 0},
    {"bge-m3", "bert", 24, 1024, kXlmrTokens, cls, kNothing, {}, kNothing, 0},

    {"e5-small-v2", "bert", 12, 384, kBertTokens, mean, kE5Query, {}, kE5Document, 0},
    {"e5-base-v2", "bert", 12, 768, kBertTokens, mean, kE5Query, {}, kE5Document, 0},
    {"e5-large-v2", "bert", 24, 1024, kBertTokens, mean, kE5Query, {}, kE5Document, 0},
    {"multilingual-e5-small",
     "bert",
     12,
     384,
     kSmallXlmrTokens,
     mean,
     kE5Query,
     {},
     kE5Document,
     0},
    {"multilingual-e5-base", "bert", 12, 768, kXlmrTokens, mean, kE5Query, {}, kE5Document, 0},
    {"multilingual-e5-large", "bert", 24, 1024, kXlmrTokens, mean, kE5Query, {}, kE5Document, 0},

    {"gte-small", "bert", 12, 384, kBertTokens, mean, kNothing, {}, kNothing, 0},
    {"gte-base", "bert", 12, 768, kBertTokens, mean, kNothing, {}, kNothing, 0},
    {"gte-large", "bert", 24, 1024, kBertTokens, mean, kNothing, {}, kNothing, 0},

    {"gte-modernbert-base",
     "modern-bert",
     22,
     768,
     kModernBertTokens,
     cls,
     kNothing,
     {},
     kNothing,
     0},

    {"mxbai-embed-large-v1", "bert", 24, 1024, kBertTokens, cls, kBgeQuery, {}, kNothing, 0},

    {"snowflake-arctic-embed-xs", "bert", 6, 384, kBertTokens, cls, kBgeQuery, {}, kNothing, 0},
    {"snowflake-arctic-embed-s", "bert", 12, 384, kBertTokens, cls, kBgeQuery, {}, kNothing, 0},
    {"snowflake-arctic-embed-m", "bert", 12, 768, kBertTokens, cls, kBgeQuery, {}, kNothing, 0},
    {"snowflake-arctic-embed-l", "bert", 24, 1024, kBertTokens, cls, kBgeQuery, {}, kNothing, 0},
    {"snowflake-arctic-embed-m-long",
     "nomic-bert",
     12,
     768,
     kBertTokens,
     cls,
     kBgeQuery,
     {},
     kNothing,
     0},
    {"snowflake-arctic-embed-m-v1.5",
     "bert",
     12,
     768,
     kBertTokens,
     cls,
     kBgeQuery,
     {},
     kNothing,
     256},
    {"snowflake-arctic-embed-l-v2.0",
     "bert",
     24,
     1024,
     kXlmrTokens,
     cls,
     kE5Query,
     {},
     kNothing,
     256},

    {"nomic-embed-text-v1",
     "nomic-bert",
     12,
     768,
     kBertTokens,
     mean,
     kNomicQuery,
     {},
     kNomicDocument,
     0},
    {"nomic-embed-text-v1.5",
     "nomic-bert",
     12,
     768,
     kBertTokens,
     mean,
     kNomicQuery,
     {},
     kNomicDocument,
     0},

    {"modernbert-embed-base",
     "modern-bert",
     22,
     768,
     kModernBertTokens,
     mean,
     kNomicQuery,
     {},
     kNomicDocument,
     0},

    {"jina-embeddings-v3",
     "jina-bert-v3",
     24,
     1024,
     kXlmrTokens,
     mean,
     kJinaQuery,
     {},
     kJinaDocument,
     32},

    {"embeddinggemma-300m",
     "gemma-embedding",
     24,
     768,
     262144,
     mean,
     kGemmaQuery,
     {},
     kGemmaDocument,
     128},
};

/// The longest text of a row's model, where it was made for fewer tokens than it has positions for.
struct LongestText {
  std::string_view name;
  uint32_t tokens;
};

constexpr LongestText kLongestTexts[] = {
    {"all-MiniLM-L6-v2", 256},
    {"paraphrase-multilingual-MiniLM-L12-v2", 128},
    {"all-mpnet-base-v2", 384},
    {"all-MiniLM-L12-v2", 128},  // Its card says 256; sentence-transformers cuts here.
};

/// One more prompt of a row's model, by a name; those of queries and documents are in the row. A name
/// may be added to a released row, since nobody's vectors change by that.
struct TaskPrompt {
  std::string_view model;
  std::string_view name;
  std::string_view text;
};

constexpr TaskPrompt kTaskPrompts[] = {
    {"nomic-embed-text-v1", "search_query", kNomicQuery},
    {"nomic-embed-text-v1", "search_document", kNomicDocument},
    {"nomic-embed-text-v1", "clustering", "clustering: "},
    {"nomic-embed-text-v1", "classification", "classification: "},

    {"nomic-embed-text-v1.5", "search_query", kNomicQuery},
    {"nomic-embed-text-v1.5", "search_document", kNomicDocument},
    {"nomic-embed-text-v1.5", "clustering", "clustering: "},
    {"nomic-embed-text-v1.5", "classification", "classification: "},

    {"embeddinggemma-300m", "question-answering", "task: question answering | query: "},
    {"embeddinggemma-300m", "fact-checking", "task: fact checking | query: "},
    {"embeddinggemma-300m", "classification", "task: classification | query: "},
    {"embeddinggemma-300m", "clustering", "task: clustering | query: "},
    {"embeddinggemma-300m", "sentence-similarity", "task: sentence similarity | query: "},
    {"embeddinggemma-300m", "code-retrieval", "task: code retrieval | query: "},
};

char comparable(char letter) {
  if (letter == ' ' || letter == '_') return '-';
  return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter - 'A' + 'a') : letter;
}

bool are_same_name(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, {}, comparable, comparable);
}

}  // namespace

std::span<const KnownModel> known_models() {
  return kModels;
}

const KnownModel* find_known_model(const ModelSpec& spec) {
  const auto found = std::ranges::find_if(kModels, [&spec](const KnownModel& model) {
    return are_same_name(spec.name, model.name) && spec.architecture == model.architecture &&
           spec.layers == model.layers && spec.width == model.width &&
           spec.vocabulary == model.vocabulary &&
           (!spec.pooling.is_known() || spec.pooling.value == model.pooling);
  });
  return found == std::end(kModels) ? nullptr : &*found;
}

ModelFacts facts_of(const KnownModel& model) {
  ModelFacts facts{.source = FactSource::known_model,
                   .prompts = Prompts{.query = {.prefix = std::string(model.query),
                                                .default_task = std::string(model.default_task)},
                                      .document = {.prefix = std::string(model.document),
                                                   .default_task = {}}},
                   .pooling = model.pooling,
                   .min_dimensions = {}};
  for (const TaskPrompt& task : kTaskPrompts) {
    if (task.model != model.name) continue;
    facts.prompts->named.push_back(
        {.name = std::string(task.name), .text = std::string(task.text)});
  }
  if (model.min_dimensions > 0) facts.min_dimensions = model.min_dimensions;
  const auto longest = std::ranges::find(kLongestTexts, model.name, &LongestText::name);
  if (longest != std::end(kLongestTexts)) facts.max_tokens = longest->tokens;
  return facts;
}

}  // namespace runed::embed
