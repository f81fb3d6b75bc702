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
