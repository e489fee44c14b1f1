import { expect } from 'vitest';
import fhirIn from '../../../adapters/fhir/fhir-in.ts';
import type { Reply } from '../../../src/message/message.ts';
import { type OpenedInbound, type OpenOptions, openInbound } from '../../support/open-adapter.ts';
import { type Calling, call } from '../http/calling.ts';

export type Json = Record<string, unknown>;

export interface Server extends AsyncDisposable {
  readonly opened: OpenedInbound;
  readonly base: string;
  call(path: string, options?: Calling): ReturnType<typeof call>;
}

/** An open fhir-in on a free port of loopback. */
export async function server(given: Json = {}, options: OpenOptions = {}): Promise<Server> {
  const opened = await openInbound(fhirIn, { listen: '127.0.0.1:0', ...given }, options);
  const [, place = ''] = /^([\d.]+:\d+)/.exec(opened.states.at(-1)?.detail ?? '') ?? [];
  const base = `http://${place}/fhir`;
  return {
    opened,
    base,
    call: (path, calling) => call(`${base}${path}`, { method: 'GET', ...calling }),
    [Symbol.asyncDispose]: () => opened.close(),
  };
}

export const FHIR = { 'content-type': 'application/fhir+json' };
export const reply = (value: unknown, code = '200'): Reply => ({
  body: value === undefined ? Buffer.alloc(0) : Buffer.from(JSON.stringify(value)),
  type: 'application/fhir+json',
  code,
});
export const sent = (value: unknown): Calling => ({
  method: 'POST',
  headers: FHIR,
  body: JSON.stringify(value),
});
export const patient = (more: Json = {}): Json => ({ resourceType: 'Patient', ...more });

/** The messages delivered so far, as JSON. */
export const documents = ({ opened }: Server): Json[] =>
  opened.delivered.map(({ body }) => JSON.parse(Buffer.from(body).toString('utf8')) as Json);

/** An OperationOutcome in short. */
export function issues(body: string): string[] {
  const { resourceType, issue } = JSON.parse(body) as { resourceType: string; issue: Json[] };
  expect(resourceType).toBe('OperationOutcome');
  return issue.map(({ severity, code, diagnostics }) => [severity, code, diagnostics].join(' '));
}
