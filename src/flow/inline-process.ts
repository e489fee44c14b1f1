import { EngineError, isEngineError } from '../error/engine-error.ts';
import { codeFailed, messageOf, outputOf } from './code-message.ts';
import { replyOf } from './code-reply.ts';
import { markedCode } from './marked-context.ts';
import type { ProcessCode, ProcessContext } from './process-code.ts';
import { isRejection } from './reply-rules.ts';
import type { Process, ProcessSend } from './wiring.ts';

export interface InlineOptions {
  readonly name: string;
  readonly code: () => Promise<ProcessCode>;
  readonly lookup: ProcessContext['lookup'];
  readonly jwt: ProcessContext['jwt'];
  readonly now: () => number;
  readonly log: (text: string) => void;
  /** Answers a call; undefined if calls are not possible. A production test scripts it. */
  readonly call?: ProcessContext['call'];
  /** Waits; undefined if waiting is not possible. In a production test no time passes. */
  readonly sleep?: ProcessContext['sleep'];
  /** Waits for another message; undefined if waiting is not possible. */
  readonly receive?: ProcessContext['receive'];
  /** Shared state; undefined if there is none. */
  readonly state?: ProcessContext['state'];
}

/**
 * A code process that runs while its message is accepted: what it sends is stored together with the message.
 * The sender waits for it, so it cannot wait itself: `call`, `receive`, `sleep` and `state` need `run: queued`.
 */
export function inlineProcess(parts: InlineOptions): Process {
  const { name, lookup, jwt, now, log } = parts;
  const refusal = (what: string): EngineError =>
    new EngineError('PROCESS_FAILED', `${name} runs inline and cannot ${what}; set run: queued`);
  const refuse = (what: string): Promise<never> => Promise.reject(refusal(what));
  return {
    readsBody: true,
    async run(subject, _signal, mark) {
      const code = await parts.code();
      const sends: ProcessSend[] = [];
      const context: ProcessContext = {
        async send(to, body) {
          sends.push({ to, output: body === undefined ? undefined : outputOf(body, subject) });
        },
        call: parts.call ?? (() => refuse('wait for an answer')),
        receive: parts.receive ?? (() => refuse('wait for a message')),
        sleep: parts.sleep ?? (() => refuse('sleep')),
        state:
          parts.state ??
          (() => {
            throw refusal('share state');
          }),
        lookup,
        jwt,
        now: async () => now(),
        log,
      };
      try {
        const reply = replyOf(name, await markedCode(code, mark)(messageOf(subject), context));
        const isNowhere = sends.length === 0 && (reply === undefined || isRejection(reply));
        const status = isNowhere ? 'discarded' : 'completed';
        return { status, sends, explain: undefined, reply };
      } catch (error) {
        throw isEngineError(error) ? error : codeFailed(name, error);
      }
    },
  };
}
