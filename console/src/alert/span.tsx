import { type ReactElement, useState } from 'react';
import { serverNow } from '../clock/server-clock.ts';
import { Field } from '../element/field.tsx';
import { localTime, timeOf } from '../element/local-time.ts';
import { t } from '../language/translate.ts';

const HOUR = 3_600_000;

/** A span that a person chooses. */
interface Span {
  readonly fields: ReactElement;
  /** NaN for what is no time, which the server refuses: the fields are required. */
  chosen(): { readonly from: number; readonly to: number };
}

/** From now, for so many hours at first. */
export function useSpan(hours: number): Span {
  const [from, setFrom] = useState(() => inputTime(serverNow()));
  const [to, setTo] = useState(() => inputTime(serverNow() + hours * HOUR));
  return {
    fields: (
      <div className="grid gap-3 sm:grid-cols-2">
        <Field
          label={t('From ## a time')}
          type="datetime-local"
          required
          value={from}
          onChange={({ target }) => setFrom(target.value)}
        />
        <Field
          label={t('Until ## a time')}
          type="datetime-local"
          required
          value={to}
          onChange={({ target }) => setTo(target.value)}
        />
      </div>
    ),
    chosen: () => ({ from: timeOf(from) ?? Number.NaN, to: timeOf(to) ?? Number.NaN }),
  };
}

const inputTime = (at: number): string => localTime(at).slice(0, 16);

/** The field `reason` of a form; read it with `reasonIn`. */
export function Why(): ReactElement {
  return (
    <Field
      label={t('Why')}
      name="reason"
      required
      maxLength={2_000}
      pattern=".*\S.*"
      autoComplete="off"
    />
  );
}

export const reasonIn = (values: FormData): string => (values.get('reason') as string).trim();
