import { describeError } from '../error/engine-error.ts';
import { REPLY_PROBLEMS, type Reply, type ReplyProblem } from '../message/message.ts';

/**
 * What to do with a message after its peer answered or failed to; `warn` and `retry` may be
 * combined with one of the others, which applies once the time for retries is used up: `complete`;
 * `warn` complete with a warning; `retry` by the operation's policy; `suspend` keep it for a
 * person; `stop` put it back at the head and stop the operation; `fail`.
 */
export const REPLY_ACTIONS = ['complete', 'warn', 'retry', 'suspend', 'stop', 'fail'] as const;
export type ReplyAction = (typeof REPLY_ACTIONS)[number];

export interface Verdict {
  readonly action: ReplyAction;
  /** What happens once the time for retries is used up; `fail` unless the rule says otherwise. */
  readonly atLast: Exclude<ReplyAction, 'retry' | 'warn'>;
  readonly warnings: readonly string[];
  /** The key of `replies` that decided. */
  readonly rule: string | undefined;
}

export interface ReplyRules {
  onReply(reply: Reply | undefined): Verdict;
  /** The verdict on an error, or undefined if no rule covers it: then the kind of error decides. */
  onError(error: unknown): Verdict | undefined;
}

type Written = string | readonly string[];

const GROUPS: Readonly<Record<string, readonly string[]>> = {
  accept: ['AA', 'CA', 'A'],
  error: ['AE', 'CE', 'E', 'P'],
  reject: ['AR', 'CR', 'R', 'M', 'W', 'X'],
};
const PROBLEMS: readonly string[] = REPLY_PROBLEMS;
const OF_ONE = 'sign-in-over' satisfies ReplyProblem;

/**
 * The reply rules of an operation: its own in the order they are written, then the adapter's. Keys:
 * a literal code (`AE`, `404`, `Sender`, which also covers `Sender.OrderNotFound`), a group
 * (`accept` AA|CA|A, `error` AE|CE|E|P, `reject` AR|CR|R|M|W|X, `4xx`, `A7xx`), a problem
 * (`wrong-control-id`, `wrong-type`, `no-code`, `client-fault`; `sign-in-over` before all others), `none` (no answer in time),
 * `failure` (any error), `failure:CODE`, `failure~text`, and `other` for what no other key covers.
 * The first matching key decides; keys that only warn all apply. (IRIS: ReplyCodeActions.)
 */
export function replyRules(
  own: Readonly<Record<string, Written>>,
  defaults: Readonly<Record<string, Written>> = {},
): ReplyRules {
  const rules = [
    ...Object.entries(own),
    ...Object.entries(defaults).filter(([key]) => !Object.hasOwn(own, key)),
  ].map(([key, written]) => ({ key, actions: actionsOf(written) }));
  const ordered = [
    // it is about one person, so a rule for the code must not stop the operation for all
    ...rules.filter(({ key }) => key === OF_ONE),
    ...rules.filter(({ key }) => key !== OF_ONE && key !== 'other' && key !== 'failure'),
    ...rules.filter(({ key }) => key === 'other' || key === 'failure'),
  ];

  const decide = (fits: (key: string) => boolean): Verdict | undefined => {
    const warnings: string[] = [];
    for (const { key, actions } of ordered) {
      if (!fits(key)) continue;
      if (actions.includes('warn')) warnings.push(key);
      if (actions.some((action) => action !== 'warn')) return verdict(actions, warnings, key);
    }
    return warnings.length === 0 ? undefined : verdict(['warn'], warnings, warnings[0]);
  };

  return {
    onReply(reply) {
      const found = reply === undefined ? undefined : decide((key) => fitsReply(key, reply));
      return found ?? verdict(['complete'], [], undefined);
    },
    onError: (error) => decide((key) => fitsError(key, error)),
  };
}

function verdict(
  actions: readonly ReplyAction[],
  warnings: readonly string[],
  rule: string | undefined,
): Verdict {
  const end = actions.find((action) => action !== 'retry' && action !== 'warn');
  const action = actions.includes('retry') ? 'retry' : (end ?? actions[0] ?? 'complete');
  return { action, atLast: end ?? 'fail', warnings, rule };
}

function actionsOf(written: Written): ReplyAction[] {
  const words = typeof written === 'string' ? written.split(/[\s,]+/) : written;
  return words.filter((word): word is ReplyAction =>
    (REPLY_ACTIONS as readonly string[]).includes(word),
  );
}

function fitsReply(key: string, { code, problems = [] }: Reply): boolean {
  if (PROBLEMS.includes(key)) return (problems as readonly string[]).includes(key);
  if (code === undefined) return false;
  if (key === code || key === 'other' || code.startsWith(`${key}.`)) return true;
  if (GROUPS[key]?.includes(code) === true) return true;
  return isCodeRange(key) && code.length === key.length && code.startsWith(key.replace(/x+$/, ''));
}

/** `4xx` of HTTP, `A7xx` and `01xx` of DICOM. */
const isCodeRange = (key: string): boolean => /^(?:[1-5]xx|[0-9A-F]{1,3}x{1,3})$/.test(key);

function fitsError(key: string, error: unknown): boolean {
  const { code, text } = describeError(error);
  if (key === 'none') return code === 'REPLY_TIMEOUT' || code === 'NO_REPLY';
  if (key === 'failure') return true;
  if (key.startsWith('failure:')) return code === key.slice('failure:'.length);
  return key.startsWith('failure~') && text.includes(key.slice('failure~'.length));
}

/** Whether an answer of HL7 says that the message is not wanted. */
export const isRejection = (reply: Reply | undefined): boolean =>
  reply?.code === 'AR' || reply?.code === 'CR';

/** Whether a key is allowed under `replies`. */
export function isReplyKey(key: string): boolean {
  return (
    PROBLEMS.includes(key) ||
    Object.hasOwn(GROUPS, key) ||
    ['none', 'failure', 'other'].includes(key) ||
    /^failure[:~].+/.test(key) ||
    /^[A-Za-z0-9][\w.-]{0,59}$/.test(key)
  );
}
