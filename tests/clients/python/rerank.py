"""Scores documents with a reranker, which the daemon loads from a directory: rerank.py DIRECTORY."""
import json
import os
import sys

import grpc
from runed.v1 import runed_pb2, runed_pb2_grpc

home = os.environ["RUNED_HOME"]
runed = runed_pb2_grpc.RunedServiceStub(grpc.insecure_channel(f"unix://{home}/embedding.sock"))
directory = os.path.abspath(sys.argv[1])
with open(f"{directory}/reference.json", encoding="utf-8") as file:
    reference = json.load(file)
query = reference["pairs"][0][0]
rows = [i for i, pair in enumerate(reference["pairs"]) if pair[0] == query]

model = runed.LoadModel(runed_pb2.LoadModelRequest(path=directory), timeout=60).model
reply = runed.Rerank(
    runed_pb2.RerankRequest(
        query=query,
        documents=[reference["pairs"][i][1] for i in rows],
        raw_scores=True,
        truncate=runed_pb2.TRUNCATE_RIGHT,
        model=model.names[0],
    ),
    timeout=60,
)
assert reply.model_identity == model.model_identity
assert sorted(each.index for each in reply.results) == list(range(len(rows)))
scores = [each.score for each in reply.results]
assert scores == sorted(scores, reverse=True), scores
for each in reply.results:
    assert abs(each.score - reference["scores"][rows[each.index]]) < 0.02, each
