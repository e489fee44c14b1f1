import { createHash } from 'node:crypto';
import { ConfigError } from '../error/adapter-error.ts';
import { EngineError } from '../error/engine-error.ts';
import { type Clock, fixedClock } from '../time/clock.ts';
import { runMessage, type SentMessage } from './case/run-message.ts';
import { decidingPlaces } from './deciding-places.ts';
import { describeProblem } from './problem.ts';
import type { ReadProduction } from './read.ts';
import type { Rehearsal, RehearsalRequest, RehearsedMessage } from './rehearsal.ts';
import { versionOf } from './version-of.ts';

/** Bytes of all messages that would be sent: the answer must fit into one broker message. */
const LIMIT = 2 * 1024 * 1024;

/** Runs messages, one after the other, through the production as its files were when it was made. */
export type Rehearser = (request: RehearsalRequest, body: Uint8Array) => Promise<Rehearsal>;

/**
 * Reads the files of a production for messages to be run through it: nothing is stored or sent, and the running
 * production does not change. Throws ConfigError for files that cannot be used.
 */
export async function rehearser(
  read: (clock: Clock) => Promise<ReadProduction>,
): Promise<Rehearser> {
  const clock = fixedClock(Date.now());
  const { definition, problems } = await read(clock);
  if (definition === undefined) throw new ConfigError(problems.map(describeProblem));
  const version = versionOf(definition);
  const placesOf = decidingPlaces(definition);
  return async ({ service, at, type, name, charset, run }, body) => {
    if (!definition.services.has(service))
      throw new EngineError('HOST_UNKNOWN', `the files no longer have a service ${service}`);
    clock.set(at);
    const { sent, processes } = await runMessage(
      { definition, clock, answer: () => undefined },
      service,
      { type, name, charset, body },
    );
    const isOne = run === undefined;
    if (isOne) checkSize(sent);
    return {
      version,
      sent: sent.map((one) => rehearsed(one, isOne)),
      processes: await Promise.all(
        processes.map(async (one) => ({ ...one, places: await placesOf(one) })),
      ),
    };
  };
}

function checkSize(sent: readonly SentMessage[]): void {
  const size = sent.reduce((sum, one) => sum + one.body.byteLength, 0);
  if (size > LIMIT)
    throw new EngineError(
      'MESSAGE_TOO_LARGE',
      `${size} bytes would be sent, too much to compare; \`waybill test\` can`,
    );
}

function rehearsed({ to, type, charset, body }: SentMessage, withBody: boolean): RehearsedMessage {
  const digest = createHash('sha256').update(body).digest('hex');
  const base64 = withBody ? Buffer.from(body).toString('base64') : undefined;
  return { to, type, charset, base64, digest };
}
