import fastify from 'fastify';
import { expect, test } from 'vitest';
import { rootLogger } from '../../src/log/logger.ts';
import type { Api } from '../../src/web/api.ts';
import { sendProblem } from '../../src/web/problem.ts';

test('an error of ours is logged without its text being told; a search that was cancelled is no error', async () => {
  const lines: string[] = [];
  const app = fastify({
    loggerInstance: rootLogger('warn', { write: (line) => void lines.push(line) }),
  }) as unknown as Api;
  app.setErrorHandler((error: Error, request, reply) => sendProblem(error, request, reply));
  const aborted = new AbortController();
  aborted.abort();
  app.get('/cancelled', async () => aborted.signal.throwIfAborted());
  app.get('/broken', async () => {
    throw new TypeError('Doe^John is not iterable');
  });
  await app.inject('/cancelled');
  expect(lines).toEqual([]);
  const broken = await app.inject('/broken');
  expect(broken.statusCode).toBe(500);
  expect(broken.body).not.toMatch(/Doe|TypeError/);
  expect(lines).toHaveLength(1);
  expect(lines[0]).toContain('api-failed');
  await app.close();
});
