import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { expect, test, vi } from 'vitest';
import { silentLogger } from '../../src/log/logger.ts';
import type { Envelope } from '../../src/message/message.ts';
import { spanExporter } from '../../src/trace/span-exporter.ts';
import { traceIdOf } from '../../src/trace/span-id.ts';
import type { TraceInput } from '../../src/trace/trace-input.ts';

const envelope = (id: number, rest: Partial<Envelope> = {}): Envelope => ({
  id,
  sessionId: 100,
  source: 'in',
  target: 'out',
  type: 'HL7v2:ADT_A01:2.5.1',
  created: 1_000,
  received: 1_000,
  size: 10,
  name: 'DOE_JOHN.hl7',
  ...rest,
});

const outcome = (id: number, status: 'completed' | 'error'): TraceInput => ({
  kind: 'entry',
  entry: {
    record: {
      kind: 'outcome',
      id,
      sessionId: 100,
      host: 'out',
      status,
      started: 1_500,
      done: 2_000,
      attempts: 2,
    },
  },
});

interface Posted {
  resourceSpans: { scopeSpans: { spans: Record<string, unknown>[] }[] }[];
}

test('each leg becomes a span that carries on the trace of its sender and holds nothing of a patient', async () => {
  const posted: Posted[] = [];
  const server = createServer((request, response) => {
    expect(request.url).toBe('/v1/traces');
    expect(request.headers['x-key']).toBe('k');
    void json(request).then((body) => {
      posted.push(body as Posted);
      return response.end('{}');
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const exporter = spanExporter({
    endpoint: `http://127.0.0.1:${port}`,
    headers: { 'x-key': 'k' },
    production: 'test',
    log: silentLogger,
  });
  const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
  exporter.take([
    { kind: 'message', status: 'queued', envelope: envelope(101, { parentId: 100, traceparent }) },
    {
      kind: 'entry',
      entry: {
        record: {
          kind: 'leg',
          message: envelope(100, { traceparent }),
          status: 'completed',
          started: 1_000,
          done: 1_001,
        },
      },
    },
    outcome(101, 'error'),
    outcome(999, 'completed'),
  ]);
  await exporter.close();
  const spans = posted.flatMap(({ resourceSpans }) =>
    resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap((one) => one.spans)),
  );
  expect(spans).toHaveLength(2);
  const [leg, sent] = spans;
  expect(leg).toMatchObject({
    traceId: '0af7651916cd43dd8448eb211c80319c',
    parentSpanId: 'b7ad6b7169203331',
    spanId: '0000000000000064',
  });
  expect(sent).toMatchObject({
    parentSpanId: '0000000000000064',
    endTimeUnixNano: '2000000000',
    status: { code: 2 },
  });
  expect(JSON.stringify(posted)).not.toContain('DOE');
  server.close();
});

test('a collector that is away costs nothing but its spans', async () => {
  const warn = vi.fn<() => void>();
  const log = Object.assign(Object.create(silentLogger) as typeof silentLogger, { warn });
  const exporter = spanExporter({ endpoint: 'http://127.0.0.1:9', production: 'test', log });
  exporter.take([
    {
      kind: 'entry',
      entry: {
        record: { kind: 'leg', message: envelope(100), status: 'completed', started: 1, done: 2 },
      },
    },
  ]);
  await exporter.close();
  expect(warn).toHaveBeenCalledOnce();
});

test('a collector that does not answer leaves a limited number of spans waiting', async () => {
  let spans = 0;
  const answer = Promise.withResolvers<void>();
  const server = createServer((request, response) => {
    void Promise.all([json(request), answer.promise]).then(([body]) => {
      for (const { scopeSpans } of (body as Posted).resourceSpans) {
        for (const one of scopeSpans) spans += one.spans.length;
      }
      return response.end('{}');
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const warn = vi.fn<() => void>();
  const log = Object.assign(Object.create(silentLogger) as typeof silentLogger, { warn });
  const exporter = spanExporter({
    endpoint: `http://127.0.0.1:${port}`,
    production: 'test',
    log,
  });
  const leg = { kind: 'leg', status: 'completed', started: 1, done: 2 } as const;
  for (let id = 1; id <= 6_000; id++) {
    exporter.take([{ kind: 'entry', entry: { record: { ...leg, message: envelope(id) } } }]);
  }
  expect(warn).toHaveBeenCalledOnce();
  answer.resolve();
  await exporter.close();
  expect(spans).toBeGreaterThan(4_000);
  expect(spans).toBeLessThan(6_000);
  server.close();
});

test('a trace has the id that its sender gave, or one that tells productions apart', () => {
  const traceparent = `00-${'ab'.repeat(16)}-${'cd'.repeat(8)}-01`;
  expect(traceIdOf('test', { traceparent, sessionId: 255 })).toBe('ab'.repeat(16));
  const made = traceIdOf('test', { traceparent: 'nonsense', sessionId: 255 });
  expect(made).toMatch(/^[0-9a-f]{16}00000000000000ff$/);
  expect(traceIdOf('test', { traceparent: undefined, sessionId: 255 })).toBe(made);
  expect(traceIdOf('other', { traceparent: undefined, sessionId: 255 })).not.toBe(made);
});
