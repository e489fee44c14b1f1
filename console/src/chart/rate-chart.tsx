import { type ReactElement, useRef } from 'react';
import type { Comparison, Statistics } from '../../../src/api/contract/event.ts';
import { count } from '../element/time-text.ts';
import { useWidth } from '../element/use-width.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** Where a time and a value are in a chart, in pixels. */
interface Scale {
  x(at: number): number;
  y(value: number): number;
}

/** Room that a time needs with some air, in pixels. */
const ROOM = 56;
const MINUTES = [5, 10, 15, 30] as const;
const HOURS = [1, 2, 3, 6, 12] as const;

/** Round times by the clock of the browser, as many as fit. A clock that is changed meanwhile shows its hours. */
function timeTicks(
  from: number,
  to: number,
  width: number,
): readonly { readonly at: number; readonly text: string }[] {
  const most = Math.max(1, Math.floor(width / ROOM));
  const isRound = roundness((to - from) / most);
  const every = to - from <= 2 * HOUR ? MINUTE : HOUR / 4;
  const found: { at: number; text: string }[] = [];
  for (let at = Math.ceil(from / every) * every; at < to; at += every) {
    const time = new Date(at);
    if (isRound(time)) found.push({ at, text: time.toTimeString().slice(0, 5) });
  }
  return found;
}

/** Which times are round, if they are to be `apart` or further. */
function roundness(apart: number): (time: Date) => boolean {
  const minutes = MINUTES.find((one) => one * MINUTE >= apart);
  if (minutes !== undefined) return (time) => time.getMinutes() % minutes === 0;
  const hours = HOURS.find((one) => one * HOUR >= apart) ?? 24;
  return (time) => time.getMinutes() === 0 && time.getHours() % hours === 0;
}

/** Lines at most. */
const LINES = 4;

/** Round numbers from 0 up to the highest. */
function heightTicks(top: number): readonly number[] {
  const power = 10 ** Math.floor(Math.log10(top / LINES));
  const step = [1, 2, 5, 10].find((one) => top / (one * power) <= LINES) ?? 10;
  const each = Math.max(1, step * power);
  return Array.from({ length: Math.floor(top / each) + 1 }, (_, index) => index * each);
}

interface RateChartProps {
  readonly intervals: Statistics['intervals'];
  readonly step: number;
  readonly from: number;
  readonly to: number;
  readonly height?: number;
  /** What came a week before, by the hour. */
  readonly before: Comparison['week'];
  /** When the configuration was changed. */
  readonly marks?: readonly number[];
}

/** Room for the numbers on the left at least, and for each of their characters; for the times below, and half a number above. */
const LEFT = 38;
const CHARACTER = 7;
const BELOW = 22;
const ABOVE = 6;
const BESIDE = 8;

/** Messages in and errors per interval. Only visual: the numbers are next to it as text. */
export function RateChart({
  intervals,
  step,
  from,
  to,
  height = 132,
  before,
  marks = [],
}: RateChartProps): ReactElement {
  const place = useRef<HTMLDivElement>(null);
  const width = useWidth(place);
  const { came, failed } = sums(intervals, { step, from, to });
  const week = before.filter(({ missing }) => missing === undefined);
  const top = highest([...came, ...failed, ...week.map((hour) => (hour.in * step) / HOUR)]);
  const longest = Math.max(...heightTicks(top).map((value) => count(value).length));
  const left = Math.max(LEFT, longest * CHARACTER + BESIDE);
  const scale: Scale = {
    x: (at) => left + ((at - from) / (to - from)) * (width - left),
    y: (value) => ABOVE + (1 - value / top) * (height - ABOVE - BELOW),
  };
  return (
    <div ref={place} aria-hidden="true" style={{ height }}>
      {width > 0 && (
        <svg width={width} height={height} className="block text-2xs">
          <Axes {...{ scale, width, height, from, to, top, left }} />
          <g shapeRendering="crispEdges">
            <path className="fill-accent" d={bars(came, { step, from, scale })} />
            <path className="fill-bad" d={bars(failed, { step, from, scale })} />
            <path
              className="stroke-ink-3"
              strokeWidth="2"
              d={week
                .filter(({ at }) => at < to && at + HOUR > from)
                .map((hour) => {
                  const start = scale.x(Math.max(from, hour.at));
                  const end = scale.x(Math.min(to, hour.at + HOUR));
                  return `M${start} ${scale.y((hour.in * step) / HOUR)}H${end}`;
                })
                .join('')}
            />
            <path
              className="stroke-warn"
              strokeWidth="2"
              d={marks
                .filter((at) => at >= from && at <= to)
                .map((at) => `M${Math.round(scale.x(at))} ${ABOVE}V${height - BELOW}`)
                .join('')}
            />
          </g>
        </svg>
      )}
    </div>
  );
}

interface AxesProps {
  readonly scale: Scale;
  readonly width: number;
  readonly height: number;
  readonly from: number;
  readonly to: number;
  readonly top: number;
  readonly left: number;
}

function Axes({ scale, width, height, from, to, top, left }: AxesProps): ReactElement {
  return (
    <g className="fill-ink-3">
      {heightTicks(top).map((value) => (
        <g key={value}>
          <path
            className="stroke-line"
            shapeRendering="crispEdges"
            d={`M${left} ${Math.round(scale.y(value))}H${width}`}
          />
          <text x={left - BESIDE} y={scale.y(value)} dy="0.32em" textAnchor="end">
            {count(value)}
          </text>
        </g>
      ))}
      {timeTicks(from, to, width - left).map(({ at, text }) => (
        <text key={at} x={scale.x(at)} y={height - 5} textAnchor="middle">
          {text}
        </text>
      ))}
    </g>
  );
}

interface Span {
  readonly step: number;
  readonly from: number;
  readonly to: number;
}

/** What came and what failed in each interval. */
function sums(
  intervals: Statistics['intervals'],
  { step, from, to }: Span,
): { readonly came: readonly number[]; readonly failed: readonly number[] } {
  const length = Math.max(1, Math.round((to - from) / step));
  const came = Array.from({ length }, () => 0);
  const failed = Array.from({ length }, () => 0);
  for (const { at, in: arrived, errors } of intervals) {
    const index = Math.floor((at - from) / step);
    if (index < 0 || index >= length) continue;
    came[index] = (came[index] ?? 0) + arrived;
    failed[index] = (failed[index] ?? 0) + errors;
  }
  return { came, failed };
}

/** The height of the chart: a little above the highest value. */
function highest(values: readonly number[]): number {
  return Math.max(4, values.reduce((high, one) => Math.max(high, one), 0) * 1.1);
}

/** Of an interval, and at most in pixels. */
const WIDE = 0.7;
const WIDEST = 40;

function bars(
  values: readonly number[],
  { step, from, scale }: Pick<Span, 'step' | 'from'> & { readonly scale: Scale },
): string {
  const width = Math.min(WIDEST, (scale.x(from + step) - scale.x(from)) * WIDE);
  return values
    .map((value, index) =>
      value === 0
        ? ''
        : `M${scale.x(from + index * step)} ${scale.y(0)}V${scale.y(value)}h${width}V${scale.y(0)}z`,
    )
    .join('');
}
