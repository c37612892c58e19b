// The basics of ioredis against a server: node basics.js PORT. Ends with status 0 when all of it holds.
'use strict';
const assert = require('node:assert');
const path = require('node:path');
const Redis = require(path.join(process.env.EVENKEEL_NODE_FOLDER, 'node_modules', 'ioredis'));

async function main() {
  const redis = new Redis({ port: Number(process.argv[2]), connectionName: 'basics', maxRetriesPerRequest: 1 });
  await redis.flushall();
  assert.equal(await redis.ping(), 'PONG');
  assert.equal(await redis.set('k', 'v'), 'OK');
  assert.equal(await redis.get('k'), 'v');
  assert.equal(await redis.set('k', 'w', 'NX'), null);
  assert.equal(await redis.set('k', 'w', 'PX', 100000, 'GET'), 'v');
  assert.ok((await redis.pttl('k')) > 0);
  assert.equal(await redis.incrby('n', 42), 42);
  assert.equal(await redis.incrbyfloat('f', 0.5), '0.5');
  assert.deepEqual(await redis.mget('k', 'n', 'none'), ['w', '42', null]);
  assert.equal(await redis.mset({ a: '1', b: '2' }), 'OK');
  assert.equal(await redis.getdel('a'), '1');
  assert.deepEqual(await redis.bitfield('field', 'SET', 'u8', 0, 200, 'INCRBY', 'u8', 0, 100), [0, 44]);
  assert.equal(await redis.pfadd('hll', 'a', 'b', 'c'), 1);
  assert.equal(await redis.pfcount('hll'), 3);
  const binary = Buffer.from(Array.from({ length: 256 }, (_, index) => index));
  await redis.set(Buffer.from([0, 255]), binary);
  assert.ok((await redis.getBuffer(Buffer.from([0, 255]))).equals(binary));
  const pipeline = redis.pipeline();
  for (let index = 0; index < 1000; index++) pipeline.set(`p${index}`, index).get(`p${index}`);
  const replies = await pipeline.exec();
  assert.equal(replies.length, 2000);
  assert.deepEqual(replies[1999], [null, '999']);
  const parallel = await Promise.all(Array.from({ length: 1000 }, (_, index) => redis.get(`p${index}`)));
  assert.equal(parallel[500], '500');
  const found = [];
  for await (const keys of redis.scanStream({ match: 'p1?', count: 50 })) found.push(...keys);
  assert.equal(new Set(found).size, 10);
  assert.equal(await redis.client('GETNAME'), 'basics');
  assert.match(await redis.info('server'), /redis_version:/);
  assert.deepEqual(await redis.config('GET', 'databases'), ['databases', '16']);
  await assert.rejects(redis.incr('k'), /value is not an integer or out of range/);
  await assert.rejects(redis.call('NONSENSE'), /unknown command/);
  await redis.quit();
  console.log('ioredis is content');
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
