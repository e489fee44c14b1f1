import { Minus, PencilLine, Plus } from 'lucide-react';
import type { ReactElement } from 'react';
import type { FieldDifference } from '../../../src/api/contract/body.ts';
import { CopyButton } from '../element/copy-button.tsx';
import { CHANGE_NAMES } from '../element/names.ts';
import { t } from '../language/translate.ts';
import { changedText } from './changed-text.ts';

const LOOKS = {
  added: { icon: Plus, style: 'text-good' },
  removed: { icon: Minus, style: 'text-bad' },
  changed: { icon: PencilLine, style: 'text-warn' },
} as const satisfies Record<FieldDifference['change'], unknown>;

/** Differences field by field, grouped by segment, in the order of the message. */
export function FieldDiff({
  fields,
}: {
  readonly fields: readonly FieldDifference[];
}): ReactElement {
  const segments = Map.groupBy(fields, ({ path }) => path.split('-')[0] ?? '');
  return (
    <div
      className="overflow-x-auto rounded-lg border border-line bg-surface"
      tabIndex={0}
      role="region"
      aria-label={t('Differences')}
    >
      <table className="stack w-full min-w-[40rem] table-fixed border-collapse text-left">
        <thead>
          <tr className="bg-sunken text-2xs text-ink-2">
            <th scope="col" className="w-28 px-3 py-1.5 font-medium">
              {t('Change')}
            </th>
            <th scope="col" className="w-80 px-3 py-1.5 font-medium">
              {t('Field')}
            </th>
            <th scope="col" className="px-3 py-1.5 font-medium">
              {t('Before')}
            </th>
            <th scope="col" className="px-3 py-1.5 font-medium">
              {t('After')}
            </th>
          </tr>
        </thead>
        {[...segments].map(([segment, own]) => (
          <tbody key={segment} className="border-t-2 border-line">
            {own.map((field) => (
              <Difference key={`${field.path} ${field.change}`} field={field} />
            ))}
          </tbody>
        ))}
      </table>
    </div>
  );
}

function Difference({
  field: { path, name, change, before = '', after = '' },
}: {
  readonly field: FieldDifference;
}): ReactElement {
  const { icon: Icon, style } = LOOKS[change];
  const parts = changedText(before, after);
  return (
    <tr className="group border-t border-line align-top hover:bg-hover">
      <td className={`px-3 py-1.5 text-xs ${style}`}>
        <span className="inline-flex items-center gap-1.5">
          <Icon size={13} aria-hidden="true" />
          {CHANGE_NAMES[change]}
        </span>
      </td>
      <th scope="row" className="px-3 py-1 font-normal">
        <span className="grid grid-cols-[minmax(5rem,auto)_minmax(0,1fr)_auto] items-center gap-1 max-sm:flex">
          <span className="font-mono text-xs font-medium whitespace-nowrap">{path}</span>
          <span className="truncate text-xs text-ink-2" title={name}>
            {name}
          </span>
          <CopyButton text={path} label={t('Copy the path {path}', { path })} quiet />
        </span>
      </th>
      <td className="line px-3 py-1.5 font-mono text-xs break-all">
        {change !== 'added' && (
          <Marked
            head={parts.head}
            middle={parts.before}
            tail={parts.tail}
            look="bg-bad-soft text-bad"
          />
        )}
      </td>
      <td className="line px-3 py-1.5 font-mono text-xs break-all">
        {change !== 'removed' && (
          <Marked
            head={parts.head}
            middle={parts.after}
            tail={parts.tail}
            look="bg-good-soft text-good"
          />
        )}
      </td>
    </tr>
  );
}

interface MarkedProps {
  readonly head: string;
  readonly middle: string;
  readonly tail: string;
  readonly look: string;
}

function Marked({ head, middle, tail, look }: MarkedProps): ReactElement {
  return (
    <>
      {head}
      {middle !== '' && <mark className={`rounded-sm px-0.5 ${look}`}>{middle}</mark>}
      {tail}
    </>
  );
}
