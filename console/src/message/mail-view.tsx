import { useQuery } from '@tanstack/react-query';
import { Paperclip } from 'lucide-react';
import type { ReactElement } from 'react';
import { bodyMail, type Part } from '../api/queries.ts';
import { Pending } from '../element/notice.tsx';
import { bytes, zone } from '../element/time-text.ts';
import { When } from '../element/when.tsx';
import { t } from '../language/translate.ts';

/** A mail as people read it. Its HTML is never shown as such. */
export function MailView({ id, part }: { readonly id: number; readonly part: Part }): ReactElement {
  const { data, error } = useQuery(bodyMail(id, part));
  if (data === undefined)
    return (
      <div className="p-3">
        <Pending answer={data} error={error} />
      </div>
    );
  const { subject, from, to, cc, date, text, html, headers, attachments } = data;
  return (
    <article className="p-4">
      <h2 className="text-[15px]">{subject ?? t('no subject')}</h2>
      <dl className="mt-2 grid grid-cols-[4rem_minmax(0,1fr)] gap-y-0.5 text-xs">
        {(
          [
            [t('From'), from],
            [t('To'), to],
            [t('Cc'), cc],
          ] as const
        )
          .filter(([, names]) => names.length > 0)
          .map(([name, names]) => (
            <div key={name} className="contents">
              <dt className="text-ink-2">{name}</dt>
              <dd className="break-words">{names.join(', ')}</dd>
            </div>
          ))}
        {date !== undefined && (
          <>
            <dt className="text-ink-2">{t('Date')}</dt>
            <dd>
              <When at={date} as="second" /> {zone(date)}
            </dd>
          </>
        )}
      </dl>
      {attachments.length > 0 && (
        <ul className="mt-3 flex flex-wrap gap-2" aria-label={t('Attached')}>
          {attachments.map(({ name, type, size }, index) => (
            <li
              key={`${name} ${index}`}
              className="inline-flex items-center gap-1.5 rounded-md border border-line-strong px-2 py-1 text-xs"
            >
              <Paperclip size={13} className="text-ink-3" aria-hidden="true" />
              <span className="font-medium">{name ?? t('without a name')}</span>
              <span className="text-ink-2">
                {type}, {bytes(size)}
              </span>
            </li>
          ))}
        </ul>
      )}
      <pre className="mt-3 border-t border-line pt-3 font-sans text-sm break-words whitespace-pre-wrap">
        {text}
      </pre>
      {html && (
        <p className="mt-2 text-xs text-ink-2">{t('The mail has HTML too; its text is shown.')}</p>
      )}
      <details className="mt-4 border-t border-line pt-2 text-xs">
        <summary className="text-ink-2">
          {t('All {count} headers', { count: headers.length })}
        </summary>
        <dl className="mt-2 grid grid-cols-[11rem_minmax(0,1fr)] gap-y-0.5 max-sm:grid-cols-1">
          {headers.map(({ name, value }, index) => (
            <div key={`${name} ${index}`} className="contents">
              <dt className="font-mono text-ink-2">{name}</dt>
              <dd className="font-mono break-all">{value}</dd>
            </div>
          ))}
        </dl>
      </details>
    </article>
  );
}
