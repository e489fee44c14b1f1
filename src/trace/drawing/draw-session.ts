import { describeDuration } from '../../time/duration.ts';
import type { TracedSession } from '../traced-message.ts';
import { type Step, sessionSteps } from './session-steps.ts';
import { cut, type DrawingOptions, dateTime, sinceStart, wrapped } from './terminal-text.ts';

/** Draws one session for a terminal: hosts as columns if they fit, otherwise as a tree. No body is shown. */
export function drawSession(session: TracedSession, options: DrawingOptions = {}): string {
  const { messages, started, id, truncated } = session;
  const last = Math.max(started, ...messages.map(({ done, created }) => done ?? created));
  const counted = messages.length === 1 ? '1 message' : `${messages.length} messages`;
  const head = [
    `session ${id}`,
    dateTime(started, options.zone),
    truncated ? `the first ${counted}` : counted,
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
