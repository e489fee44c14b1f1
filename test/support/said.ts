import type { Credential, InboundAdapter, OutboundAdapter } from '../../src/adapter/index.ts';
import { testSteps } from './open-adapter.ts';

export type Credentials = Readonly<Record<string, Credential>>;

/** The last step of the connection test of a wrong configuration, on one line: the step, its cause and its remedy. */
export async function said(
  adapter: InboundAdapter | OutboundAdapter,
  given: Readonly<Record<string, unknown>>,
  credentials: Credentials = {},
): Promise<string> {
  const steps = await testSteps(adapter, given, { credentials });
  const { name, result, cause = '', remedy = '' } = steps.at(-1) ?? {};
  return `${name} ${result}: ${cause} → ${remedy}`;
}
