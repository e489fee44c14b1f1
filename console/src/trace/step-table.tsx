import type { ReactElement } from 'react';
import { StatusBadge } from '../element/status-badge.tsx';
import { clock, duration } from '../element/time-text.ts';
import { t } from '../language/translate.ts';
import type { Step } from './session-steps.ts';

const STEP_NAMES = {
  request: t('request'),
  reply: t('reply'),
  rules: t('rules'),
  tries: t('tries'),
  event: t('event'),
  outcome: t('outcome'),
  resent: t('resent'),
} as const satisfies Record<Step['kind'], string>;

interface StepTableProps {
  readonly steps: readonly Step[];
  readonly started: number;
  readonly selected: string | undefined;
  readonly onSelect: (step: Step) => void;
}

/** The same steps as the diagram's, as a table. */
export function StepTable({ steps, started, selected, onSelect }: StepTableProps): ReactElement {
  return (
    <div
      className="min-h-0 flex-1 overflow-auto bg-surface"
      tabIndex={0}
      role="region"
      aria-label={t('Steps of the session')}
    >
      <table className="stack w-full border-collapse text-left">
        <thead className="sticky top-0 bg-sunken text-2xs text-ink-2">
          <tr>
            {['#', t('Time'), t('After ## the start'), t('What'), t('Where'), t('Detail')].map(
              (name) => (
                <th key={name} scope="col" className="px-3 py-1.5 font-medium">
                  {name}
                </th>
              ),
            )}
          </tr>
        </thead>
        <tbody>
          {steps.map((step) => (
            <tr
              key={step.key}
              className={`border-b border-line ${step.key === selected ? 'bg-selected' : 'hover:bg-hover'}`}
              onClick={() => onSelect(step)}
            >
              <td className="px-3 py-1">{step.number}</td>
              <td className="px-3 py-1 font-mono text-xs">{clock(step.at)}</td>
              <td className="px-3 py-1 text-xs whitespace-nowrap text-ink-2">
                +{duration(step.at - started)}
              </td>
              <td className="px-3 py-1">
                <button
                  type="button"
                  className="text-accent hover:underline"
                  onClick={() => onSelect(step)}
                >
                  {STEP_NAMES[step.kind]}
                </button>
              </td>
              <td className="px-3 py-1 whitespace-nowrap">
                {step.from === step.to ? step.from : `${step.from} → ${step.to}`}
              </td>
              <td className="line px-3 py-1 break-words">
                {step.label}{' '}
                {step.kind === 'request' && <StatusBadge status={step.message.status} />}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
