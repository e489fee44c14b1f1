import { useQuery } from '@tanstack/react-query';
import { FlaskConical } from 'lucide-react';
import { type ReactElement, useState } from 'react';
import { hosts as hostsQuery } from '../api/queries.ts';
import { serverNow } from '../clock/server-clock.ts';
import { Button } from '../element/button.tsx';
import { Choice } from '../element/field.tsx';
import { Nothing, Problem, Warning } from '../element/notice.tsx';
import { count } from '../element/time-text.ts';
import { t } from '../language/translate.ts';
import { Groups, How } from '../rehearsal/trial-result.tsx';
import { type Asked, useRehearsals } from '../rehearsal/use-rehearsals.ts';
import { useMay } from '../shell/me.ts';

const HOUR = 3_600_000;
const SPANS = [
  [HOUR, t('the last hour')],
  [24 * HOUR, t('the last day')],
  [7 * 24 * HOUR, t('the last week')],
] as const;
const COUNTS = [100, 1_000, 10_000, 100_000] as const;

interface EditTrialProps {
  /** The files as they would be. */
  readonly files: Pick<Asked, 'edits' | 'draft'>;
  /** What stands for them in the address of a single trial. */
  readonly place: string;
  /** Told the name of a trial that has begun. */
  readonly onRun?: ((run: string | undefined) => void) | undefined;
}

/** Edited files tried on what services took in lately, before anything is written. Nothing is sent. */
export function EditTrial({ files, place, onRun }: EditTrialProps): ReactElement | null {
  const may = useMay();
  const { data: known } = useQuery(hostsQuery);
  const [span, setSpan] = useState<number>(SPANS[1][0]);
  const [limit, setLimit] = useState<number>(COUNTS[1]);
  const [source, setSource] = useState('');
  const [asked, setAsked] = useState<{ readonly n: number; readonly which: Asked }>();
  if (!may('message.content')) return null;
  const services = (known?.hosts ?? []).filter(({ kind }) => kind === 'service');
  const begin = (): void => {
    onRun?.(undefined);
    const from = serverNow() - span;
    const where = source === '' ? { hosts: services.map(({ name }) => name) } : { source };
    const which = { ...files, criteria: { from, ...where }, originals: true, limit };
    setAsked({ n: (asked?.n ?? 0) + 1, which });
  };
  return (
    <section aria-label={t('Trial on real messages')} className="flex flex-col gap-3">
      <div className="flex flex-wrap items-end gap-3">
        <Choice
          label={t('Messages of')}
          value={`${span}`}
          onChange={({ target }) => setSpan(Number(target.value))}
        >
          {SPANS.map(([time, text]) => (
            <option key={time} value={time}>
              {text}
            </option>
          ))}
        </Choice>
        <Choice
          label={t('Through ## a service')}
          value={source}
          onChange={({ target }) => setSource(target.value)}
        >
          <option value="">{t('every service')}</option>
          {services.map(({ name }) => (
            <option key={name}>{name}</option>
          ))}
        </Choice>
        <Choice
          label={t('At most')}
          value={`${limit}`}
          onChange={({ target }) => setLimit(Number(target.value))}
        >
          {COUNTS.map((n) => (
            <option key={n} value={n}>
              {count(n)}
            </option>
          ))}
        </Choice>
        <Button onClick={begin} disabled={services.length === 0}>
          <FlaskConical size={14} aria-hidden="true" /> {t('Try on real messages')}
        </Button>
      </div>
      {asked !== undefined && (
        <Running key={asked.n} which={asked.which} place={place} onRun={onRun} />
      )}
    </section>
  );
}

function Running({
  which,
  place,
  onRun,
}: Pick<EditTrialProps, 'place' | 'onRun'> & { readonly which: Asked }): ReactElement {
  const trial = useRehearsals(which, (_list, run) => onRun?.(run));
  const { found, error, isWaiting } = trial;
  return (
    <>
      {error !== null && <Problem error={error} />}
      {isWaiting && (
        <Warning>
          {t('The server is away or busy: the trial goes on by itself once it answers.')}
        </Warning>
      )}
      {found === undefined && error === null && (
        <p role="status" className="text-ink-2">
          {t('Looking for the messages…')}
        </p>
      )}
      {found?.total === 0 && <Nothing>{t('No message matches.')}</Nothing>}
      {found !== undefined && found.total > 0 && (
        <>
          <How found={found} trial={trial} />
          <Groups groups={found.groups} files={place} />
        </>
      )}
    </>
  );
}
