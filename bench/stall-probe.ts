/**
 * Loaded into an engine (NODE_OPTIONS=--import): tells how long its thread was busy at most between two looks at its
 * timers, in milliseconds of its processor time, so that a busy machine lengthens nothing. Asked at a port of
 * 127.0.0.1, and then begins anew.
 */
import { createServer } from 'node:http';
import { isMainThread } from 'node:worker_threads';

const port = Number(process.env['WAYBILL_STALL_PORT']);

if (isMainThread && port > 0 && /main\.[jt]s$/.test(process.argv[1] ?? '')) {
  let longest = 0;
  let before = process.threadCpuUsage();
  const look = (): void => {
    const now = process.threadCpuUsage();
    longest = Math.max(longest, (now.user + now.system - before.user - before.system) / 1_000);
    before = now;
    setTimeout(look, 2).unref();
  };
  look();
  createServer((_, response) => {
    response.end(String(longest));
    longest = 0;
  })
    .listen(port, '127.0.0.1')
    .unref();
}
