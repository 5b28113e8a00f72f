// Runs calls of the npm client `memcached`, one after the other or all at once.
//
// In, one JSON object: {servers, options, calls: [[method, argument...]...], atOnce}
//   an argument {base64: text} becomes a Buffer, {of: n, field: name} that field of what call n brought.
// Out, one JSON object: {methods: what a client offers, replies: [{error, result}...]}, Buffers as {base64: text}.
'use strict';

const fs = require('fs');
const Memcached = require('memcached');

const order = JSON.parse(fs.readFileSync(0, 'utf8'));
const client = new Memcached(order.servers, order.options);
const replies = [];

function argument(value) {
  if (value !== null && typeof value === 'object') {
    if ('base64' in value) return Buffer.from(value.base64, 'base64');
    if ('of' in value) return replies[value.of].result[value.field];
  }
  return value;
}

function told(value) {
  if (Buffer.isBuffer(value)) return { base64: value.toString('base64') };
  if (Array.isArray(value)) return [...value]; // the client empties it after the callback
  return value === undefined ? null : value;
}

function messages(error) {
  if (!error) return null;
  return Array.isArray(error) ? error.map(messages).join(', ') : error.message || String(error);
}

function call([method, ...values], number) {
  return new Promise((resolve) => {
    client[method](...values.map(argument), (error, result) => {
      replies[number] = { error: messages(error), result: told(result) };
      resolve();
    });
  });
}

async function main() {
  if (order.atOnce) await Promise.all(order.calls.map(call));
  else for (const [number, values] of order.calls.entries()) await call(values, number);
  const methods = Object.keys(Memcached.prototype);
  process.stdout.write(JSON.stringify({ methods, replies }));
  client.end(); // and the process ends, once its connections have
}

main();
