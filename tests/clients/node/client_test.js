// What programs in Node have done wrong, and what they are told. readme_setup.js is README's code.
const assert = require('node:assert');
const fs = require('node:fs');
const test = require('node:test');
const {runed, infoOf, infoOfError} = require('./readme_setup.js');

const references = JSON.parse(fs.readFileSync(process.env.RUNED_REFERENCE)).slice(0, 10);
const loneSurrogate = 'half of a pair: \ud83d, and no more';
const cosineAtLeast = 0.998;  // The model is quantized, the reference is not.

function call(method, request) {
  return new Promise((resolve) => {
    runed[method](request, {deadline: Date.now() + 60000}, (error, reply) => resolve({error, reply}));
  });
}

// Writes all frames, and collects what comes back until the call ends.
function stream(frames) {
  return new Promise((resolve) => {
    const answers = new Map();
    const call = runed.EmbedStream({deadline: Date.now() + 60000});
    let failure = null;
    call.on('data', (answer) => answers.set(answer.id, answer));
    call.on('error', (error) => { failure = error; });
    call.on('status', () => setImmediate(() => resolve({error: failure, answers})));
    for (const frame of frames) call.write(frame);
    call.end();
  });
}

function checkVector(vector, expected) {
  assert.strictEqual(vector.length, expected.length);
  let dot = 0;
  let left = 0;
  let right = 0;
  vector.forEach((value, i) => {
    dot += value * expected[i];
    left += value * value;
    right += expected[i] * expected[i];
  });
  assert.ok(dot / Math.sqrt(left * right) >= cosineAtLeast);
}

function checkRefusal(error, reason, metadata = {}) {
  assert.ok(error, `it was not refused: ${reason}`);
  const info = infoOfError(error);
  assert.ok(info, `there is no ErrorInfo: ${error.message}`);
  assert.strictEqual(info.domain, 'runed.v1');
  assert.strictEqual(info.reason, reason);
  for (const [key, value] of Object.entries(metadata)) {
    assert.strictEqual(info.metadata[key], value);
  }
}

test('ten texts are embedded right by each of the calls', async () => {
  assert.strictEqual(references.length, 10);
  const texts = references.map(({text}) => text);
  const batch = await call('EmbedBatch', {texts});
  assert.ifError(batch.error);
  assert.strictEqual(batch.reply.embeddings.length, texts.length);
  const {error, answers} = await stream(texts.map((text, id) => ({item: {id, text}})));
  assert.ifError(error);
  for (const [i, {text, ids, vector}] of references.entries()) {
    const single = await call('Embed', {text});
    assert.ifError(single.error);
    for (const embedding of [single.reply, batch.reply.embeddings[i],
                             answers.get(String(i)).embedding]) {
      checkVector(embedding.vector, vector);
      assert.strictEqual(embedding.token_count, ids.length);
    }
  }
});

test('a lone surrogate is told with the index of its text', async () => {
  const single = await call('Embed', {text: loneSurrogate});
  checkRefusal(single.error, 'NOT_UTF8', {index: '0', byte_offset: '16'});
  assert.strictEqual(single.error.code, 3);
  const batch = await call('EmbedBatch', {texts: ['a', 'b', loneSurrogate, 'c']});
  checkRefusal(batch.error, 'NOT_UTF8', {index: '2'});
  assert.ok(batch.error.details.startsWith('text 2: '));
  const query = {text: 'a', input_type: 'INPUT_TYPE_QUERY', instruction: loneSurrogate};
  checkRefusal((await call('Embed', query)).error, 'NOT_UTF8', {field: 'instruction'});
});

test('a lone surrogate in a stream is refused by itself', async () => {
  const texts = references.map(({text}) => text);
  texts[4] = loneSurrogate;
  const {error, answers} = await stream(texts.map((text, id) => ({item: {id, text}})));
  assert.ifError(error);
  assert.strictEqual(answers.size, texts.length);
  for (const [i, {vector}] of references.entries()) {
    const answer = answers.get(String(i));
    if (i !== 4) {
      checkVector(answer.embedding.vector, vector);
    } else {
      assert.strictEqual(answer.result, 'error');
      assert.strictEqual(answer.error.code, 3);
      assert.strictEqual(infoOf(answer.error).reason, 'NOT_UTF8');
    }
  }
});

test('a frame without an item ends the stream once what came before is answered', async () => {
  const {error, answers} = await stream([{item: {id: 7, text: 'before'}}, {id: 8, text: 'after'}]);
  checkRefusal(error, 'INVALID_ARGUMENT', {field: 'item'});
  assert.deepStrictEqual([...answers.keys()], ['7']);
  assert.strictEqual(answers.get('7').result, 'embedding');
});

test('each refusal of a call has its reason', async () => {
  checkRefusal((await call('Embed', {text: ''})).error, 'EMPTY_TEXT');
  checkRefusal((await call('Embed', {text: 'word '.repeat(600)})).error, 'TEXT_TOO_LONG',
               {limit: '512'});
  checkRefusal((await call('Embed', {text: 'a', truncate: 7})).error, 'INVALID_ARGUMENT',
               {field: 'truncate', value: '7'});
  checkRefusal((await call('Embed', {text: 'a', with_route: true})).error, 'NO_CENTROID_SET');
  checkRefusal((await call('Embed', {text: 'a'.repeat((64 << 20) + 1)})).error,
               'REQUEST_TOO_LARGE', {limit: String(64 << 20)});
});

test('the numbers and names of Info and Health are as in runed.proto', async () => {
  const info = await call('Info', {});
  assert.ifError(info.error);
  assert.strictEqual(info.reply.vector_dim, 256);
  assert.strictEqual(typeof info.reply.started_at_unix_ms, 'string');
  const health = await call('Health', {});
  assert.strictEqual(health.reply.status, 'STATUS_OK');
  assert.strictEqual(health.reply.bytes_total, '0');  // A default is there, too.
});

test.after(() => runed.close());

test('the models are listed, and a reply says which of them made a vector', async () => {
  const {error, reply} = await call('ListModels', {});
  assert.ifError(error);
  const [first] = reply.models;
  assert.deepStrictEqual(first.names, ['builtin:runed-mini', 'runed-mini']);
  assert.strictEqual(first.is_default, true);
  assert.strictEqual(first.vector_dim, 256);
  assert.strictEqual(reply.health.length, reply.models.length);
  assert.strictEqual(reply.health[0].name, first.names[0]);
  const [{text, vector}] = references;
  for (const model of ['', 'runed-mini', 'builtin:runed-mini', first.model_identity]) {
    const single = await call('Embed', {text, model});
    assert.ifError(single.error);
    checkVector(single.reply.vector, vector);
    assert.strictEqual(single.reply.model_identity, first.model_identity);
    assert.ok(single.reply.norm > 0);
    const {error: fault, answers} = await stream([{options: {model}}, {item: {id: 1, text}}]);
    assert.ifError(fault);
    checkVector(answers.get('1').embedding.vector, vector);
  }
});

test('a model that there is not is told with those that there are', async () => {
  const request = {model: 'runed-maxi'};
  for (const {error} of [await call('Embed', {text: 'a', ...request}),
                         await call('EmbedBatch', {texts: ['a'], ...request}),
                         await call('Info', request), await call('Health', request),
                         await call('UnloadModel', {name: 'runed-maxi'}),
                         await call('LoadModel', {name: 'runed-maxi'}),
                         await stream([{options: request}])]) {
    checkRefusal(error, 'UNKNOWN_MODEL');
    assert.strictEqual(error.code, 5);
    assert.ok(infoOfError(error).metadata.hint.includes('builtin:runed-mini'));
  }
  checkRefusal((await call('Embed', {text: 'a', model: '/m/a.gguf'})).error, 'UNKNOWN_MODEL');
  checkRefusal((await call('Embed', {text: 'a', model: loneSurrogate})).error, 'NOT_UTF8',
               {field: 'model'});
});

test('a model is loaded by its file, given up, and loaded again by the next request', async () => {
  const path = process.env.RUNED_MODEL_FILE;
  const loaded = await call('LoadModel', {path, keep_alive: '1h'});
  assert.ifError(loaded.error);
  const {names: [name], model_identity} = loaded.reply.model;  // It is the built-in one.
  assert.strictEqual((await call('Info', {})).reply.model_identity, model_identity);
  assert.ifError((await call('UnloadModel', {name})).error);
  const [{text, vector}] = references;
  const again = await call('Embed', {text, model: model_identity});
  assert.ifError(again.error);
  checkVector(again.reply.vector, vector);
  checkRefusal((await call('LoadModel', {path: 'a.gguf'})).error, 'INVALID_ARGUMENT');
  checkRefusal((await call('LoadModel', {path: '/nowhere.gguf'})).error, 'MODEL_MISSING');
  checkRefusal((await call('LoadModel', {path, name})).error, 'INVALID_ARGUMENT');
  checkRefusal((await call('LoadModel', {name, keep_alive: 'soon'})).error, 'INVALID_ARGUMENT');
});
