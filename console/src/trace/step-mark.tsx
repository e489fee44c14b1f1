import type { ReactElement } from 'react';
import { ROW } from './sequence-diagram.tsx';
import type { Step } from './session-steps.ts';

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

const SOFT = {
  plain: 'fill-info-soft',
  good: 'fill-good-soft',
  warn: 'fill-warn-soft',
  bad: 'fill-bad-soft',
  held: 'fill-held-soft',
  idle: 'fill-idle-soft',
} as const satisfies Record<Step['tone'], string>;

const SIGNS = {
  request: '',
  reply: '',
  rules: '⑂',
  tries: '↻',
  outcome: '',
  resent: '⤳',
} as const satisfies Record<Step['kind'], string>;
const OUTCOMES = {
  plain: '…',
  good: '!',
  warn: '!',
  bad: '✕',
  held: '❚❚',
  idle: '⊘',
} as const satisfies Record<Step['tone'], string>;

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
  const shown = fitted(label, Math.abs(end - start) - 20);
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
        <title>{label}</title>
        {shown}
      </text>
    </>
  );
}

const CHARACTER = 6.2;

function Note({ step, x1, y, lane, edge }: StepMarkProps): ReactElement {
  const { kind, tone, label } = step;
  const sign = kind === 'outcome' ? OUTCOMES[tone] : SIGNS[kind];
  const limit = Math.max(lane * 1.6, 200);
  const shown = fitted(label, limit - 34);
  const width = Math.min(limit, shown.length * CHARACTER + 36);
  const left = Math.max(4, Math.min(x1 - 12, edge - width - 6));
  return (
    <>
      <rect
        x={left}
        y={y + 8}
        width={width}
        height={ROW - 15}
        rx={6}
        className={`${SOFT[tone]} ${STROKE[tone]}`}
        strokeWidth={1}
      />
      <text x={left + 13} y={y + 23.5} textAnchor="middle" className={`text-[11px] ${FILL[tone]}`}>
        {sign}
      </text>
      <text x={left + 25} y={y + 23.5} className="fill-ink text-[11.5px]">
        <title>{label}</title>
        {shown}
      </text>
    </>
  );
}

/** As much of a text as fits; the title and the detail have the whole. */
function fitted(text: string, width: number): string {
  const room = Math.max(4, Math.floor(width / CHARACTER));
  return text.length <= room ? text : `${text.slice(0, room - 1)}…`;
}
