import type { InboundAdapter, Lent } from '../src/adapter/adapter.ts';
import { type ReadContext, readFields, type Settings } from '../src/adapter/setting.ts';
import { ConfigError } from '../src/error/adapter-error.ts';
import { silentLogger } from '../src/log/logger.ts';
import { inlineBody } from '../src/message/body.ts';
import type { Message } from '../src/message/message.ts';

/**
 * What an engine provides to an adapter, without real services: templates know `{id}`, and there is
 * no sign-in except through `own`.
 */
export function lent<S extends Settings>(
  declared: S,
  given: Readonly<Record<string, unknown>>,
  own: Partial<Pick<Lent<S>, 'credential' | 'connection'>> = {},
): Lent<S> {
  const read = readFields(declared, given, CONTEXT);
  if (!read.ok) throw new ConfigError(read.problems.map(({ problem }) => problem));
  return {
    host: 'bench',
    production: 'bench',
    settings: read.value,
    log: silentLogger,
    signal: new AbortController().signal,
    credential: () => Promise.reject(new Error('there are no credentials here')),
    peerCertificate: () => undefined,
    verifier: () => Promise.reject(new Error('nobody signs in here')),
    connection: () => undefined,
    event: () => undefined,
    ...own,
  };
}

/**
 * Opens a listener whose store accepts everything at once; returns its address and port. Without `undo` it ends with the
 * process.
 */
export async function listening<S extends Settings>(
  adapter: InboundAdapter<S>,
  undo?: AsyncDisposableStack,
  given: Readonly<Record<string, unknown>> = {},
): Promise<string> {
  let place = '';
  let id = 0;
  const open = await adapter.open({
    ...lent(
      adapter.settings,
      { listen: '127.0.0.1:0', ...given },
      { connection: (_, detail = '') => void (place = /^[\d.:]+/.exec(detail)?.[0] ?? '') },
    ),
    deliver: () => Promise.resolve({ messageId: ++id, sessionId: id, status: 'stored' }),
    lost: (reason) => {
      throw reason;
    },
    memory: { read: () => Promise.resolve(undefined), write: () => Promise.resolve() },
  });
  undo?.defer(() => open.close());
  return place;
}

const CONTEXT: ReadContext = {
  path: (text) => text,
  template: (source) => ({
    ok: true,
    value: { source, render: ({ id }) => Promise.resolve(source.replace('{id}', String(id))) },
  }),
  expression: (source) => ({
    ok: true,
    value: { source, evaluate: () => Promise.resolve(source) },
  }),
  unknown: () => undefined,
  unfit: () => undefined,
};

/** A message as an operation gets it. */
export function outgoing(body: Buffer, id = 1): Message {
  return {
    id,
    sessionId: id,
    source: 'bench',
    target: 'bench',
    type: 'HL7v2',
    created: 0,
    received: 0,
    size: body.length,
    body: inlineBody(body),
  };
}
