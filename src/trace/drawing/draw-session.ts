import type { RuleExplanation } from '../../message/record.ts';
import { describeDuration } from '../../time/duration.ts';
import { describeSize } from '../../time/size.ts';
import type { TracedAttempt, TracedMessage, TracedSession } from '../traced-message.ts';
import {
  cut,
  type DrawingOptions,
  dateTime,
  plainText,
  shortType,
  sinceStart,
  wrapped,
} from './terminal-text.ts';

/** Draws one session for a terminal: hosts as columns if they fit, otherwise as a tree. No body is shown. */
export function drawSession(session: TracedSession, options: DrawingOptions = {}): string {
  const { messages, started, id, truncated } = session;
  const last = Math.max(started, ...messages.map(({ done, created }) => done ?? created));
  const counted = messages.length === 1 ? '1 message' : `${messages.length} messages`;
  const head = [
    `session ${id}`,
    dateTime(started, options.zone),
    truncated ? `${counted} of more` : counted,
    describeDuration(last - started),
  ].join(', ');
  const drawing = sequenceDrawing(session, options) ?? treeDrawing(session, options);
  return [cut(head, options.width, options.ascii), '', ...drawing].join('\n');
}

const TIME = 10;
const LANE_LEAST = 12;
/** The width that a note needs to be useful. */
const NOTE_LEAST = 24;

interface Glyphs {
  readonly lane: string;
  readonly line: string;
  readonly right: string;
  readonly left: string;
  readonly here: string;
}

const BOX: Glyphs = { lane: '│', line: '─', right: '▶', left: '◀', here: '●' };
const ASCII: Glyphs = { lane: '|', line: '-', right: '>', left: '<', here: '*' };

/** The hosts of a session in the order of their first step. */
function lanesOf(steps: readonly Step[]): string[] {
  return [...new Set(steps.flatMap(({ from, to }) => (to === undefined ? [from] : [from, to])))];
}

/**
 * Draws the hosts as columns and each message as an arrow. Undefined if the terminal is too narrow
 * for this; then draw a tree.
 */
function sequenceDrawing(
  session: TracedSession,
  options: DrawingOptions,
): readonly string[] | undefined {
  const steps = sessionSteps(session, options);
  const lanes = lanesOf(steps);
  const widest = Math.max(
    ...[...lanes, ...steps.map(({ label }) => label)].map((text) => text.length),
  );
  const lane = Math.max(LANE_LEAST, widest + 4);
  const left = TIME + lane * lanes.length;
  const { width, ascii = false } = options;
  if (width !== undefined && left + NOTE_LEAST > width) return undefined;
  const glyphs = ascii ? ASCII : BOX;
  const head = lanes.map((host) => centred(host, lane)).join('');
  return [
    `${' '.repeat(TIME)}${head}`.trimEnd(),
    ...steps.flatMap((step) => {
      const time = timeText(step, session.started).padEnd(TIME);
      const drawn = laneText(step, { lanes, lane, glyphs });
      const empty = laneText({ ...step, from: '', to: undefined }, { lanes, lane, glyphs });
      const notes = wrapped(step.note, width === undefined ? undefined : width - left - 1);
      return notes.map((note, line) =>
        (line === 0 ? `${time}${drawn} ${note}` : `${' '.repeat(TIME)}${empty} ${note}`).trimEnd(),
      );
    }),
  ];
}

function timeText({ at }: Step, start: number): string {
  return at === Number.MAX_SAFE_INTEGER ? '' : sinceStart(at, start);
}

function centred(text: string, width: number): string {
  const before = Math.floor((width - text.length) / 2);
  return `${' '.repeat(before)}${text}`.padEnd(width);
}

function laneText(
  { from, to, label }: Step,
  {
    lanes,
    lane,
    glyphs,
  }: { readonly lanes: readonly string[]; readonly lane: number; readonly glyphs: Glyphs },
): string {
  const middle = Math.floor(lane / 2);
  const cells = Array.from({ length: lane * lanes.length }, (_, at) =>
    at % lane === middle ? glyphs.lane : ' ',
  );
  const centre = (host: string): number => lanes.indexOf(host) * lane + middle;
  if (to === undefined || to === from) {
    if (lanes.includes(from)) cells[centre(from)] = glyphs.here;
    return cells.join('');
  }
  const [first, last] = [Math.min(centre(from), centre(to)), Math.max(centre(from), centre(to))];
  for (let at = first + 1; at < last; at++) cells[at] = glyphs.line;
  const rightward = centre(to) > centre(from);
  if (rightward) cells[last - 1] = glyphs.right;
  else cells[first + 1] = glyphs.left;
  // the label is next to the sending host
  const start = rightward ? first + 2 : last - 1 - label.length;
  for (const [offset, character] of label.split('').entries()) cells[start + offset] = character;
  return cells.join('');
}

const DEEPEST = 8;
/** The minimum width of a line, however deep it is. */
const LEAST = 12;

/** Draws a session as a tree: each message under the one it came from, with what happened to it. Fits any width. */
function treeDrawing(session: TracedSession, options: DrawingOptions): readonly string[] {
  const { width, ascii = false } = options;
  const byMessage = Map.groupBy(sessionSteps(session, options), ({ messageId }) => messageId);
  const ids = new Set(session.messages.map(({ id }) => id));
  const children = Map.groupBy(session.messages, ({ parentId }) =>
    // the parent of a resent message is in another session
    parentId !== undefined && ids.has(parentId) ? parentId : 0,
  );
  const lines: string[] = [];
  const draw = (id: number, depth: number): void => {
    const indent = '  '.repeat(Math.min(depth, DEEPEST));
    for (const [number, step] of (byMessage.get(id) ?? []).entries()) {
      // the first is the message itself, the others are what happened to it
      const before = number === 0 ? indent : `${indent}  `;
      const room = width === undefined ? undefined : Math.max(LEAST, width - before.length - 2);
      const [first = '', ...rest] = wrapped(lineOf(step, session.started, ascii), room);
      lines.push(before + first, ...rest.map((line) => `${before}  ${line}`));
    }
    for (const child of children.get(id) ?? []) draw(child.id, depth + 1);
  };
  for (const { id } of children.get(0) ?? []) draw(id, 0);
  return lines;
}

function lineOf({ at, from, to, label, note }: Step, start: number, ascii: boolean): string {
  const time = at === Number.MAX_SAFE_INTEGER ? '' : `${sinceStart(at, start)} `;
  if (to === undefined) return `${time}${from}: ${note}`;
  const arrow = ascii ? '->' : '→';
  return `${time}${from} ${arrow} ${to} ${label} ${note}`;
}

/** One line of a drawn session: something sent from host to host, or something that happened at one. */
interface Step {
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
function sessionSteps(session: TracedSession, { rules = false }: DrawingOptions = {}): Step[] {
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

/** How many messages are named. */
const NAMED = 5;

const listed = (ids: readonly number[]): string =>
  ids.length <= NAMED
    ? ids.join(', ')
    : `${ids.slice(0, NAMED).join(', ')} and ${ids.length - NAMED} more`;

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
      message.receivedBy && `received by ${message.receivedBy}`,
      message.receivedIds && `received ${listed(message.receivedIds)}`,
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
  const lines = tried.map((rule) => ruleText(rule, explain.sent));
  const otherwise = explain.otherwise === undefined ? [] : [`no rule fired: ${explain.otherwise}`];
  // why a message is not valid, and what a transform left out
  const notes = (explain.notes ?? []).map((note) => plainText(note));
  return [...lines, ...otherwise, ...notes].map((note) => ({ ...at, note }));
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

/** How long it took; empty while it has no outcome. */
export function took({ created, done }: TracedMessage): string {
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
