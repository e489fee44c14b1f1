import {
  Activity,
  ArrowLeft,
  ArrowRight,
  Ban,
  CircleAlert,
  CircleCheck,
  CircleX,
  Clock3,
  Pause,
  Repeat2,
  RotateCw,
  Split,
  TriangleAlert,
} from 'lucide-react';
import type { ReactElement } from 'react';
import { ROW, type Step } from './session-steps.ts';

const STROKE = {
  plain: 'stroke-info',
  good: 'stroke-good',
  warn: 'stroke-warn',
  bad: 'stroke-bad',
  held: 'stroke-held',
  idle: 'stroke-idle',
} as const satisfies Record<Step['tone'], string>;

const FILL = {
  plain: 'fill-info',
  good: 'fill-good',
  warn: 'fill-warn',
  bad: 'fill-bad',
  held: 'fill-held',
  idle: 'fill-idle',
} as const satisfies Record<Step['tone'], string>;

const TEXT = {
  plain: 'text-info',
  good: 'text-good',
  warn: 'text-warn',
  bad: 'text-bad',
  held: 'text-held',
  idle: 'text-idle',
} as const satisfies Record<Step['tone'], string>;

const SOFT = {
  plain: 'fill-info-soft',
  good: 'fill-good-soft',
  warn: 'fill-warn-soft',
  bad: 'fill-bad-soft',
  held: 'fill-held-soft',
  idle: 'fill-idle-soft',
} as const satisfies Record<Step['tone'], string>;

const SIGNS = {
  request: ArrowRight,
  reply: ArrowLeft,
  rules: Split,
  tries: RotateCw,
  event: Activity,
  outcome: CircleAlert,
  resent: Repeat2,
} as const satisfies Record<Step['kind'], unknown>;
const OUTCOMES = {
  plain: Clock3,
  good: CircleCheck,
  warn: TriangleAlert,
  bad: CircleX,
  held: Pause,
  idle: Ban,
} as const satisfies Record<Step['tone'], unknown>;

interface StepMarkProps {
  readonly step: Step;
  readonly x1: number;
  readonly x2: number;
  readonly y: number;
  readonly lane: number;
  /** Where the drawing ends: a note never passes it. */
  readonly edge: number;
}

/** The drawing of one step: an arrow for what moved, a note for what was decided or failed. */
export function StepMark(props: StepMarkProps): ReactElement {
  const { kind } = props.step;
  return kind === 'request' || kind === 'reply' ? <Arrow {...props} /> : <Note {...props} />;
}

function Arrow({ step, x1, x2, y, lane }: StepMarkProps): ReactElement {
  const { kind, tone, label, number } = step;
  const direction = x2 >= x1 ? 1 : -1;
  const own = x1 === x2;
  const start = own ? x1 : x1 + direction * (kind === 'request' ? 11 : 4);
  const end = own ? x1 + lane / 3 : x2 - direction * 5;
  const line = y + 24;
  const weight = kind === 'request' ? 500 : 400;
  const shown = fitted(label, Math.abs(end - start) - 12, SIZE, weight);
  return (
    <>
      <line
        x1={start}
        x2={end}
        y1={line}
        y2={line}
        className={STROKE[tone]}
        strokeWidth={kind === 'request' ? 1.75 : 1.5}
        strokeDasharray={kind === 'reply' ? '5 3' : undefined}
      />
      <path d={`M${end} ${line}l${-direction * 8} -4.5v9z`} className={FILL[tone]} />
      {kind === 'request' && (
        <>
          <circle
            cx={x1}
            cy={line}
            r={9.5}
            className={`fill-surface ${STROKE[tone]}`}
            strokeWidth={1.5}
          />
          <text
            x={x1}
            y={line + 3.5}
            textAnchor="middle"
            className="fill-ink text-[10px] font-semibold"
          >
            {number}
          </text>
        </>
      )}
      <text
        x={(start + end) / 2}
        y={line - 7}
        textAnchor="middle"
        className={`text-[11.5px] ${kind === 'reply' ? FILL[tone] : 'fill-ink'} ${kind === 'request' ? 'font-medium' : ''}`}
      >
        {shown}
      </text>
    </>
  );
}

/** The font size in pixels, as in the styles below. */
const SIZE = 11.5;
/** Besides the text of a note: the sign with its space, and the same space at the end. */
const BEFORE = 27;
const BEHIND = 12;

function Note({ step, x1, y, edge }: StepMarkProps): ReactElement {
  const { kind, tone, label } = step;
  const Sign = kind === 'outcome' ? OUTCOMES[tone] : SIGNS[kind];
  const wanted = Math.ceil(textWidth(label, SIZE)) + BEFORE + BEHIND;
  // a note begins on its lane and moves left only if its text would pass the edge
  const left = Math.max(108, Math.min(x1 - 14, edge - Math.min(wanted, 420) - 8));
  const width = Math.min(wanted, edge - left - 8);
  return (
    <>
      <rect
        x={left}
        y={y + 7}
        width={width}
        height={ROW - 14}
        rx={6}
        className={`${SOFT[tone]} ${STROKE[tone]}`}
        strokeWidth={1}
      />
      <Sign x={left + 7} y={y + ROW / 2 - 6.5} width={13} height={13} className={TEXT[tone]} />
      <text x={left + BEFORE} y={y + 23} className="fill-ink text-[11.5px]">
        {fitted(label, width - BEFORE - BEHIND, SIZE)}
      </text>
    </>
  );
}

let pen: CanvasRenderingContext2D | null | undefined;
let measured = '';

/** The width of a text in the page's font, in pixels; letters differ too much to count them. */
function textWidth(text: string, size: number, weight = 400): number {
  pen ??= document.createElement('canvas').getContext('2d');
  if (pen === null) return text.length * size * 0.6;
  const font = `${weight} ${size}px ${getComputedStyle(document.body).fontFamily}`;
  if (font !== measured) pen.font = font;
  measured = font;
  return pen.measureText(text).width;
}

/** As much of a text as fits into this many pixels, and at least some of it. */
function fitted(text: string, room: number, size: number, weight = 400): string {
  if (textWidth(text, size, weight) <= room) return text;
  let low = 3;
  let high = text.length;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (textWidth(`${text.slice(0, middle)}…`, size, weight) <= room) low = middle;
    else high = middle - 1;
  }
  return `${text.slice(0, low).trimEnd()}…`;
}
