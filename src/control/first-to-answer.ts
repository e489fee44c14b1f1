import { randomUUID } from 'node:crypto';
import { type Msg, type NatsConnection, RequestError } from '@nats-io/transport-node';
import { subscribeSteadily } from '../broker/steady-subscription.ts';

/*
 * A queue group of NATS gives a request to any of its members, also to one that stands still (a
 * stopped process, a machine that is gone without a word), which would have it until its time is
 * over. So each member is asked first who is there, and the request goes to the one that says so
 * first, under a name of its own.
 */

/** Answers requests until it is closed. */
export interface ControlServer {
  close(): void;
}

/** Serves a subject on which only one of those that could answer does. */
export function serveShared(
  connection: NatsConnection,
  subject: string,
  serve: (message: Msg) => void,
): ControlServer {
  const name = randomUUID();
  const subscriptions = [
    subscribeSteadily(connection, whoOf(subject), { hear: (message) => message.respond(name) }),
    subscribeSteadily(connection, `${subject}.${name}`, { hear: serve }),
    // for those who do not ask first: an older version, or if the one that was asked has just stopped
    subscribeSteadily(connection, subject, { queue: 'engine', hear: serve }),
  ];
  return {
    close() {
      for (const subscription of subscriptions) subscription.unsubscribe();
    },
  };
}

/**
 * The subject under which the first to answer serves this one alone; the subject itself if they are
 * all of an older version, or nobody is there. Rejects if none answers within `timeout` milliseconds.
 */
export async function firstToAnswer(
  connection: Pick<NatsConnection, 'request'>,
  subject: string,
  timeout: number,
): Promise<string> {
  try {
    const answer = await connection.request(whoOf(subject), undefined, { timeout });
    return `${subject}.${answer.string()}`;
  } catch (error) {
    if (hasNobody(error)) return subject;
    throw error;
  }
}

const whoOf = (subject: string): string => `${subject}.who`;

/** Whether NATS knows that nobody serves what was asked. */
export const hasNobody = (error: unknown): boolean =>
  error instanceof RequestError && error.isNoResponders();
