import { ConfigError } from '../error/adapter-error.ts';
import { EngineError } from '../error/engine-error.ts';
import { type Clock, fixedClock } from '../time/clock.ts';
import { runMessage } from './case/run-message.ts';
import { describeProblem } from './problem.ts';
import type { ReadProduction } from './read.ts';
import type { Rehearsal, RehearsalRequest } from './rehearsal.ts';

/** Bytes of all messages that would be sent: the answer must fit into one broker message. */
const LIMIT = 2 * 1024 * 1024;

/**
 * Runs a message through the production as its files are now: nothing is stored or sent, and the
 * running production does not change. Throws ConfigError for files that cannot be used.
 */
export async function rehearse(
  read: (clock: Clock) => Promise<ReadProduction>,
  { service, at, type, name, charset }: RehearsalRequest,
  body: Uint8Array,
): Promise<Rehearsal> {
  const clock = fixedClock(at);
  const { definition, problems } = await read(clock);
  if (definition === undefined) throw new ConfigError(problems.map(describeProblem));
  if (!definition.services.has(service))
    throw new EngineError('HOST_UNKNOWN', `the files no longer have a service ${service}`);
  const { sent, processes } = await runMessage(
    { definition, clock, answer: () => undefined },
    service,
    { type, name, charset, body },
  );
  const size = sent.reduce((sum, one) => sum + one.body.byteLength, 0);
  if (size > LIMIT)
    throw new EngineError(
      'MESSAGE_TOO_LARGE',
      `${size} bytes would be sent, too much to compare; \`waybill test\` can`,
    );
  return {
    sent: sent.map((one) => ({
      to: one.to,
      type: one.type,
      charset: one.charset,
      base64: Buffer.from(one.body).toString('base64'),
    })),
    processes,
  };
}
