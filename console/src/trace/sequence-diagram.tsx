import { Link } from '@tanstack/react-router';
import { Cog, LogIn, LogOut } from 'lucide-react';
import { type KeyboardEvent, type ReactElement, useEffect, useRef } from 'react';
import { KIND_NAMES, STATUS_NAMES } from '../element/names.ts';
import { duration, preciseClock } from '../element/time-text.ts';
import { useWidth } from '../element/use-width.ts';
import { t } from '../language/translate.ts';
import { type Lane, ROW, type Step } from './session-steps.ts';
import { StepMark } from './step-mark.tsx';

const GUTTER = 104;
const GUTTER_NARROW = 64;
const LANE = 84;
/** Between steps further apart than this, the diagram says how long nothing happened. */
const GAP = 1_000;

interface SequenceDiagramProps {
  readonly lanes: readonly Lane[];
  readonly steps: readonly Step[];
  readonly started: number;
  readonly selected: string | undefined;
  /** Messages that the search found. */
  readonly matched: ReadonlySet<number>;
  readonly onSelect: (step: Step) => void;
  readonly onOpen: (step: Step) => void;
}

/**
 * A session as a sequence diagram: one lane per host, time downwards. Each step is a button that
 * says in words what the drawing shows.
 */
export function SequenceDiagram({
  lanes,
  steps,
  started,
  selected,
  matched,
  ...acts
}: SequenceDiagramProps): ReactElement {
  const { onSelect, onOpen } = acts;
  const scroller = useRef<HTMLDivElement>(null);
  const width = useWidth(scroller);
  const narrow = width < 600;
  const gutter = narrow ? GUTTER_NARROW : GUTTER;
  const lane = Math.max(LANE, Math.floor((width - gutter) / Math.max(1, lanes.length)));
  const total = gutter + lane * lanes.length;
  const places = placesOf(steps);
  const height = (places.at(-1)?.y ?? 0) + ROW;
  const middles = new Map(lanes.map(({ host }, n) => [host, gutter + lane * (n + 0.5)]));
  const x = (host: string): number => middles.get(host) ?? 0;
  const at = steps.findIndex(({ key }) => key === selected);

  useEffect(() => {
    scroller.current?.querySelector('[data-selected]')?.scrollIntoView({ block: 'nearest' });
  }, [selected]);
  const onKeyDown = (event: KeyboardEvent): void => {
    const to = {
      ArrowDown: at + 1,
      j: at + 1,
      ArrowUp: at - 1,
      k: at - 1,
      Home: 0,
      End: steps.length - 1,
    }[event.key];
    const step = to === undefined ? undefined : steps[Math.max(0, Math.min(steps.length - 1, to))];
    if (step !== undefined) {
      onSelect(step);
      scroller.current?.querySelector<SVGGElement>(`[data-step="${step.key}"]`)?.focus();
    } else if (event.key === 'Enter' && steps[at] !== undefined) onOpen(steps[at]);
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  return (
    <div ref={scroller} className="min-h-0 flex-1 overflow-auto bg-surface" data-diagram>
      <div
        className="sticky top-0 z-10 flex border-b border-line bg-sunken"
        style={{ width: total, paddingLeft: gutter }}
      >
        {lanes.map((one) => (
          <LaneHead key={one.host} lane={one} width={lane} />
        ))}
      </div>
      <svg
        width={total}
        height={height + 12}
        role="group"
        aria-label={t('Sequence diagram, {steps} steps between {hosts} hosts', {
          steps: steps.length,
          hosts: lanes.length,
        })}
        onKeyDown={onKeyDown}
        className="block select-none"
      >
        {steps.map((step, index) => (
          <StepButton
            key={step.key}
            step={step}
            y={places[index]?.y ?? 0}
            width={total}
            isSelected={step.key === selected}
            isMatched={matched.has(step.message.id)}
            isEntry={at < 0 && index === 0}
            {...acts}
          />
        ))}
        <g aria-hidden="true" className="pointer-events-none">
          {lanes.map(({ host }) => (
            <line
              key={host}
              x1={x(host)}
              x2={x(host)}
              y1={0}
              y2={height + 12}
              className="stroke-line-strong"
              strokeDasharray="2 4"
            />
          ))}
          {steps.map((step, index) => {
            const place = places[index];
            if (place === undefined) return null;
            const time =
              narrow || place.first
                ? preciseClock(step.at).slice(narrow ? 6 : 0)
                : `+${duration(step.at - started)}`;
            return (
              <g key={step.key}>
                {place.gap > 0 && (
                  <text
                    x={gutter - 10}
                    y={place.y - 6}
                    textAnchor="end"
                    className="fill-ink-3 text-[10.5px] italic"
                  >
                    {t('{duration} later', { duration: duration(place.gap) })}
                  </text>
                )}
                <text
                  x={gutter - 10}
                  y={place.y + 24}
                  textAnchor="end"
                  className="fill-ink-2 font-mono text-[11px]"
                >
                  {time}
                </text>
                <StepMark
                  step={step}
                  x1={x(step.from)}
                  x2={x(step.to)}
                  y={place.y}
                  lane={lane}
                  edge={total}
                />
              </g>
            );
          })}
        </g>
      </svg>
    </div>
  );
}

interface StepButtonProps {
  readonly step: Step;
  readonly y: number;
  readonly width: number;
  readonly isSelected: boolean;
  /** The search found its message. */
  readonly isMatched: boolean;
  /** Takes the focus when nothing is selected yet. */
  readonly isEntry: boolean;
  readonly onSelect: (step: Step) => void;
  readonly onOpen: (step: Step) => void;
}

/** The row of a step: all of it can be clicked, and its name is the whole sentence. The drawing is above it. */
function StepButton({
  step,
  y,
  width,
  isSelected,
  isMatched,
  isEntry,
  onSelect,
  onOpen,
}: StepButtonProps): ReactElement {
  return (
    <g
      role="button"
      tabIndex={isSelected || isEntry ? 0 : -1}
      aria-label={isMatched ? `${sentence(step)}, ${t('found by the search')}` : sentence(step)}
      aria-pressed={isSelected}
      data-step={step.key}
      data-matched={isMatched ? '' : undefined}
      data-selected={isSelected ? '' : undefined}
      onClick={() => onSelect(step)}
      onDoubleClick={() => onOpen(step)}
      className="group cursor-pointer outline-none"
    >
      <rect
        x={0}
        y={y}
        width={width}
        height={ROW}
        className={isSelected ? 'fill-selected' : 'fill-transparent group-hover:fill-hover'}
      />
      {isMatched && <rect x={0} y={y} width={3} height={ROW} className="fill-accent" />}
      <rect
        x={1}
        y={y + 1}
        width={width - 2}
        height={ROW - 2}
        rx={4}
        strokeWidth={2}
        className="fill-none stroke-transparent group-focus-visible:stroke-accent"
      />
    </g>
  );
}

function placesOf(
  steps: readonly Step[],
): readonly { readonly y: number; readonly gap: number; readonly first: boolean }[] {
  let y = 6;
  return steps.map((step, index) => {
    const before = steps[index - 1];
    const gap = before === undefined ? 0 : step.at - before.at;
    if (gap > GAP) y += 20;
    const place = { y, gap: gap > GAP ? gap : 0, first: index === 0 };
    y += ROW;
    return place;
  });
}

/** What the drawing of a step shows, in words. */
function sentence({ kind, number, from, to, label, at, message }: Step): string {
  const said = { time: preciseClock(at), number: `${number}`, from, to, label };
  switch (kind) {
    case 'request':
      return t('{time} message {number}, {label}, from {from} to {to}, {status}', {
        ...said,
        status: STATUS_NAMES[message.status],
      });
    case 'reply':
      return t('{time} reply to message {number}, {label}, from {from} to {to}', said);
    case 'rules':
      return t('{time} rules of {to} on message {number}: {label}', said);
    case 'tries':
    case 'event':
    case 'outcome':
    case 'resent':
    default:
      return t('{time} message {number} at {to}: {label}', said);
  }
}

const ICONS = { service: LogIn, process: Cog, operation: LogOut } as const;

function LaneHead({
  lane: { host, kind },
  width,
}: {
  readonly lane: Lane;
  readonly width: number;
}): ReactElement {
  const Icon = kind === undefined ? Cog : ICONS[kind];
  return (
    <div style={{ width }} className="flex shrink-0 flex-col items-center px-1 py-1.5">
      <Link
        to="/hosts/$host"
        params={{ host }}
        className="flex max-w-full items-center gap-1.5 rounded px-1 font-medium hover:underline"
      >
        {width > 104 && <Icon size={13} className="shrink-0 text-ink-3" aria-hidden="true" />}
        <span className="truncate" title={host}>
          {host}
        </span>
      </Link>
      <span className="text-2xs text-ink-2">
        {kind === undefined ? t('not in this production') : KIND_NAMES[kind]}
      </span>
    </div>
  );
}
