import { useMutation, useQueryClient } from '@tanstack/react-query';
import { type ReactElement, useState } from 'react';
import type { Host, Override, OverrideRequest } from '../../../src/api/contract/host.ts';
import { ask } from '../api/client.ts';
import { Button } from '../element/button.tsx';
import { Choice, Field } from '../element/field.tsx';
import { Problem } from '../element/notice.tsx';
import { Panel } from '../element/page.tsx';
import { duration, moment } from '../element/time-text.ts';
import { rich, t } from '../language/translate.ts';
import { useMay } from '../shell/me.ts';

type Kind = Override['kind'];

const TITLES: Readonly<Record<Kind, string>> = {
  hold: t('Hold: the host is stopped, its queue fills'),
  test: t('Test mode: nothing is sent, each message is set aside'),
  'log-level': t('Log level {level}', { level: 'debug' }),
};

const TIMES = [15, 60, 240, 1_440, 4_320].map((minutes) => minutes * 60_000);

/** Temporary overrides for this host; with permission, they can be added or ended. */
export function HostOverrides({ host }: { readonly host: Host }): ReactElement | null {
  const may = useMay()('host.settings.override');
  const client = useQueryClient();
  const [kind, setKind] = useState<Kind>('hold');
  const [time, setTime] = useState(60 * 60_000);
  const [reason, setReason] = useState('');
  const onSuccess = (): Promise<void> => client.invalidateQueries();
  const set = useMutation({
    mutationFn: () => {
      const body: OverrideRequest = {
        for: time,
        reason: reason.trim(),
        ...(kind === 'log-level' ? { level: 'debug' } : {}),
      };
      return ask('PUT /hosts/{host}/overrides/{kind}', { path: { host: host.name, kind }, body });
    },
    onSuccess,
  });
  const end = useMutation({
    mutationFn: (of: Kind) =>
      ask('DELETE /hosts/{host}/overrides/{kind}', { path: { host: host.name, kind: of } }),
    onSuccess,
  });
  if (!may && host.overrides.length === 0) return null;
  const problem = set.error ?? end.error;
  return (
    <Panel title={t('For a while')}>
      <div className="flex flex-col gap-3">
        {host.overrides.map(({ kind: of, level, by, until, reason: why }) => (
          <p key={of} className="flex items-start gap-3 rounded-md bg-warn-soft px-3 py-2">
            <span className="grow break-words">
              {rich('<strong>{title}</strong> until {until}, set by {by}: {reason}', {
                strong: (text) => <strong className="font-medium">{text}</strong>,
                title: level === undefined ? TITLES[of] : t('Log level {level}', { level }),
                until: moment(until),
                by,
                reason: why,
              })}
            </span>
            {may && (
              <Button disabled={end.isPending} onClick={() => end.mutate(of)}>
                {t('End now')}
              </Button>
            )}
          </p>
        ))}
        {may && (
          <form
            className="flex flex-wrap items-end gap-3"
            onSubmit={(event) => {
              event.preventDefault();
              set.mutate();
            }}
          >
            <Choice
              label={t('What')}
              value={kind}
              onChange={({ target }) => setKind(target.value as Kind)}
            >
              {Object.entries(TITLES).map(([value, title]) => (
                <option key={value} value={value}>
                  {title}
                </option>
              ))}
            </Choice>
            <Choice
              label={t('How long')}
              value={time}
              onChange={({ target }) => setTime(Number(target.value))}
            >
              {TIMES.map((one) => (
                <option key={one} value={one}>
                  {duration(one)}
                </option>
              ))}
            </Choice>
            <Field
              label={t('Why')}
              required
              className="grow"
              value={reason}
              onChange={({ target }) => setReason(target.value)}
            />
            <Button type="submit" disabled={set.isPending || reason.trim() === ''}>
              {t('Set it')}
            </Button>
          </form>
        )}
        {problem !== null && <Problem error={problem} />}
      </div>
    </Panel>
  );
}
