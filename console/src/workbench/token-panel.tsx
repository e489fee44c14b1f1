import { useMutation, useQuery } from '@tanstack/react-query';
import { type FormEvent, type ReactElement, useState } from 'react';
import type { TokenReport } from '../../../src/api/contract/workbench.ts';
import { ask, type Body } from '../api/client.ts';
import { Button } from '../element/button.tsx';
import { Choice, Field } from '../element/field.tsx';
import { Problem } from '../element/notice.tsx';
import { Panel } from '../element/page.tsx';
import { serverText } from '../language/server-text.ts';
import { t } from '../language/translate.ts';
import { useMay } from '../shell/me.ts';

const AREA =
  'w-full rounded-md border border-line-strong bg-surface p-2 font-mono text-xs leading-5 font-normal text-ink';

/** Pasting a token, checking it with a key of the production, and making one. */
export function TokenPanel(): ReactElement {
  const may = useMay();
  const [token, setToken] = useState('');
  const [key, setKey] = useState('');
  const keys = useQuery({
    queryKey: ['token-keys'],
    queryFn: ({ signal }) => ask('GET /workbench/keys', { signal }),
  });
  const check = useMutation({
    mutationFn: (body: Body<'POST /workbench/token'>) => ask('POST /workbench/token', { body }),
  });
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    check.mutate({ token, ...(key !== '' && { key }) });
  };
  return (
    <Panel title={t('JSON Web Token')}>
      <form onSubmit={submit} className="flex flex-col gap-3">
        <label className="flex flex-col gap-1 text-xs font-medium text-ink-2">
          {t('Token')}
          <textarea
            value={token}
            onChange={({ target }) => setToken(target.value)}
            required
            rows={5}
            maxLength={64_000}
            spellCheck={false}
            autoComplete="off"
            className={AREA}
          />
        </label>
        <div className="flex flex-wrap items-end gap-3">
          <Choice
            label={t('Check it with the key')}
            className="min-w-48 flex-1"
            value={key}
            onChange={({ target }) => setKey(target.value)}
          >
            <option value="">{t('none: only read it')}</option>
            {keys.data?.keys.map((one) => (
              <option key={one}>{one}</option>
            ))}
          </Choice>
          <Button type="submit" look="primary" disabled={check.isPending}>
            {t('Look at it')}
          </Button>
        </div>
      </form>
      {keys.isError && <Problem error={keys.error} />}
      {check.isError && <Problem error={check.error} />}
      {check.data !== undefined && <Report report={check.data} />}
      {may('credential.sign') && key !== '' && <Making name={key} onMade={setToken} />}
    </Panel>
  );
}

const MARKS = { passed: '✓', failed: '✗', skipped: '–' } as const;
const TONES = { passed: 'text-good', failed: 'text-bad', skipped: 'text-ink-2' } as const;
const WORDS = {
  passed: t('passed ## of a check'),
  failed: t('failed ## of a check'),
  skipped: t('left out ## of a check'),
} as const;

function Report({
  report: { checks, header, claims, accepted },
}: {
  readonly report: TokenReport;
}): ReactElement {
  const isRefused = checks.some(({ result }) => result === 'failed');
  return (
    <div className="mt-4 flex flex-col gap-3" role="status">
      {(accepted || isRefused) && (
        <p className={`font-medium ${accepted ? 'text-good' : 'text-bad'}`}>
          {accepted ? t('It would be accepted.') : t('It would be refused.')}
        </p>
      )}
      <ul className="flex flex-col gap-1 text-xs">
        {checks.map(({ check, result, text }) => (
          <li key={check} className="flex gap-2">
            <span className={TONES[result]}>
              <span aria-hidden="true">{MARKS[result]}</span>
              <span className="sr-only">{WORDS[result]}</span>
            </span>
            <span className="min-w-0 break-words">
              <b translate="no">{check}</b> {serverText(text)}
            </span>
          </li>
        ))}
      </ul>
      {header !== undefined && <Values title={t('Header')} values={header} />}
      {claims !== undefined && <Values title={t('Claims')} values={claims} />}
    </div>
  );
}

const TIMES = new Set(['exp', 'iat', 'nbf', 'auth_time']);
/** Seconds: what a Date can hold. */
const LATEST = 8_640_000_000_000;

function Values({
  title,
  values,
}: {
  readonly title: string;
  readonly values: Readonly<Record<string, unknown>>;
}): ReactElement {
  return (
    <section aria-label={title}>
      <h3 className="mb-1 text-xs">{title}</h3>
      <dl className="grid grid-cols-[8rem_minmax(0,1fr)] gap-y-0.5 font-mono text-xs">
        {Object.entries(values).map(([name, value]) => (
          <div key={name} className="contents">
            <dt className="truncate text-ink-2">{name}</dt>
            <dd className="break-words">
              {typeof value === 'string' ? value : JSON.stringify(value)}
              {TIMES.has(name) && typeof value === 'number' && Math.abs(value) < LATEST && (
                <span className="ml-2 text-ink-2">{new Date(value * 1_000).toISOString()}</span>
              )}
            </dd>
          </div>
        ))}
      </dl>
    </section>
  );
}

/** Makes a token with the chosen key: whoever has it is taken for the production. */
function Making({
  name,
  onMade,
}: {
  readonly name: string;
  readonly onMade: (token: string) => void;
}): ReactElement {
  const [wrong, setWrong] = useState(false);
  const make = useMutation({
    mutationFn: (body: Body<'POST /workbench/token/sign'>) =>
      ask('POST /workbench/token/sign', { body }),
    onSuccess: ({ token }) => onMade(token),
  });
  const submit = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const claims = objectOf(form.get('claims') as string);
    setWrong(claims === undefined);
    const subject = (form.get('subject') as string).trim();
    if (claims !== undefined)
      make.mutate({ key: name, claims, ...(subject !== '' && { subject }) });
  };
  return (
    <form onSubmit={submit} className="mt-4 flex flex-col gap-3 border-t border-line pt-3">
      <h3 className="text-xs">{t('Make one with {key}', { key: name })}</h3>
      <label className="flex flex-col gap-1 text-xs font-medium text-ink-2">
        {t('Claims (JSON)')}
        <textarea name="claims" rows={3} defaultValue="{}" spellCheck={false} className={AREA} />
      </label>
      <div className="flex flex-wrap items-end gap-3">
        <Field
          label={t('Subject ## of a token')}
          name="subject"
          maxLength={2_000}
          className="min-w-48 flex-1"
          placeholder={t('that of the key')}
        />
        <Button type="submit" disabled={make.isPending}>
          {t('Make a token with it')}
        </Button>
      </div>
      <p className="text-xs text-ink-2">
        {t(
          'It is recorded in the audit log, and appears above. Whoever has it is taken for this production until it expires.',
        )}
      </p>
      {wrong && <p className="text-xs text-bad">{t('The claims are not a JSON object.')}</p>}
      {make.isError && <Problem error={make.error} />}
    </form>
  );
}

function objectOf(text: string): Record<string, unknown> | undefined {
  try {
    const read: unknown = JSON.parse(text);
    return typeof read === 'object' && read !== null && !Array.isArray(read)
      ? { ...read }
      : undefined;
  } catch {
    // not JSON: told below the field
    return undefined;
  }
}
