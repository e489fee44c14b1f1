import type { RuleExplanation } from '../../message/record.ts';
import { describeDuration } from '../../time/duration.ts';
import { describeSize } from '../../time/size.ts';
import type { TracedAttempt, TracedMessage, TracedSession } from '../traced-message.ts';
import { type DrawingOptions, plainText, shortType } from './terminal-text.ts';

/** One line of a drawn session: something sent from host to host, or something that happened at one. */
export interface Step {
  readonly at: number;
  /** The message it is about. */
  readonly messageId: number;
  readonly from: string;
  /** Undefined for what happened at `from`. */
  readonly to?: string | undefined;
  /** The text on the arrow. */
  readonly label: string;
  readonly note: string;
}

/** For a message with many tries, only the first ones and the last are drawn. */
const TRIES = 3;

/** What happened in a session, by time; within the same millisecond, causes before effects. */
export function sessionSteps(
  session: TracedSession,
  { rules = false }: DrawingOptions = {},
): Step[] {
  const resends = Map.groupBy(session.resends, ({ of }) => of);
  const steps = session.messages.flatMap((message) => [
    arrival(message),
    ...ruleSteps(message, rules),
    ...attemptSteps(
      message,
      session.attempts.filter(({ messageId }) => messageId === message.id),
    ),
    ...session.past
      .filter(({ messageId }) => messageId === message.id)
      .map((past) => ({
        at: past.done,
        messageId: message.id,
        from: message.target,
        label: '',
        note: join([
          past.status,
          errorText(past.error),
          past.reply?.code !== undefined && `answered ${plainText(past.reply.code)}`,
          wordsBeside(past),
          past.by && `by ${past.by}`,
        ]),
      })),
    ...ending(message),
    ...(resends.get(message.id) ?? []).map(({ id, sessionId }) => ({
      at: Number.MAX_SAFE_INTEGER,
      messageId: message.id,
      from: message.target,
      label: '',
      note: `resent as message ${id} (session ${sessionId})`,
    })),
  ]);
  return steps.toSorted((a, b) => a.at - b.at);
}

function arrival(message: TracedMessage): Step {
  const { id, created, source, target, type, size, name, resendOf, testBy } = message;
  return {
    at: created,
    messageId: id,
    from: source === '' ? '?' : source,
    to: target,
    label: shortType(type),
    note: join([
      `#${id}`,
      describeSize(size),
      name && plainText(name),
      resendOf && `resend of ${resendOf}`,
      testBy && `test by ${testBy}`,
      message.possibleDuplicate && 'possible duplicate',
      message.duplicateOf && `repeats ${message.duplicateOf}`,
      // what was delivered at once needs no line of its own
      endsAtOnce(message) && `${message.status} ${took(message)}`,
    ]),
  };
}

function endsAtOnce({ status, error, reply, warning, done }: TracedMessage): boolean {
  const plain = reply === undefined && error === undefined && warning === undefined;
  return plain && status === 'completed' && done !== undefined;
}

function ruleSteps(message: TracedMessage, all: boolean): Step[] {
  const { explain, target, id, started = message.created } = message;
  if (explain === undefined) return [];
  const at = { at: started, messageId: id, from: target, label: '' };
  const tried = explain.rules.filter(
    ({ result }) => all || result === 'fired' || result === 'error',
  );
  const lines = tried.map((rule) => ({ ...at, note: ruleText(rule, explain.sent) }));
  if (explain.otherwise === undefined) return lines;
  return [...lines, { ...at, note: `no rule fired: ${explain.otherwise}` }];
}

function ruleText(
  { rule, result, when, text }: RuleExplanation,
  sent: NonNullable<TracedMessage['explain']>['sent'],
): string {
  const targets = sent
    .filter((one) => one.rule === rule)
    .map(({ to, transform }) => (transform === undefined ? to : `${to} (${transform})`));
  return join([
    `rule "${plainText(rule)}" ${result}`,
    result === 'fired' && targets.length > 0 && `to ${targets.join(', ')}`,
    result !== 'fired' && when !== undefined && `when ${plainText(when)}`,
    text !== undefined && plainText(text),
  ]);
}

function attemptSteps({ target, id }: TracedMessage, attempts: readonly TracedAttempt[]): Step[] {
  const line = ({ attempt, at, next, error }: TracedAttempt): Step => ({
    at,
    messageId: id,
    from: target,
    label: '',
    note: join([
      `try ${attempt} failed: ${errorText(error) ?? ''}`,
      `next after ${describeDuration(Math.max(0, next - at))}`,
    ]),
  });
  if (attempts.length <= TRIES + 1) return attempts.map(line);
  const hidden = attempts.slice(TRIES, -1);
  const gap = {
    at: hidden[0]?.at ?? 0,
    messageId: id,
    from: target,
    label: '',
    note: `${hidden.length} more tries`,
  };
  return [...attempts.slice(0, TRIES).map(line), gap, ...attempts.slice(-1).map(line)];
}

function ending(message: TracedMessage): Step[] {
  if (message.setAside === true) {
    const { id, target, created } = message;
    const note = 'waits for a time or an answer';
    return [{ at: created, messageId: id, from: target, label: '', note }];
  }
  if (message.status === 'queued' || message.status === 'retrying' || endsAtOnce(message))
    return [];
  const { id, source, target, reply, done = message.created } = message;
  const step = { at: done, messageId: id, from: target, label: '', note: endText(message) };
  if (reply === undefined || source === '') return [step];
  return [{ ...step, to: source, label: plainText(reply.code ?? shortType(reply.type)) }];
}

function endText(message: TracedMessage): string {
  const { status, error, warning, by, attempts } = message;
  return join([
    `${status} ${took(message)}`,
    attempts > 1 && `${attempts} tries`,
    errorText(error),
    wordsBeside(message),
    warning !== undefined && `warning: ${plainText(warning)}`,
    by !== undefined && `by ${plainText(by)}`,
  ]);
}

function took({ created, done }: TracedMessage): string {
  return done === undefined ? '' : describeDuration(Math.max(0, done - created));
}

function errorText(error: TracedMessage['error']): string | undefined {
  if (error === undefined) return undefined;
  return plainText([`${error.code} ${error.text}`, error.said].filter(Boolean).join(': '));
}

/** The receiver's text, unless it is shown with the error. */
function wordsBeside({ error, reply }: Pick<TracedMessage, 'error' | 'reply'>): string | undefined {
  const text = reply?.text;
  return text === undefined || text === error?.said ? undefined : plainText(text);
}

function join(parts: readonly (string | number | false | undefined)[]): string {
  return parts
    .filter((part) => part !== undefined && part !== false && part !== '' && part !== 0)
    .join(', ')
    .trim();
}
