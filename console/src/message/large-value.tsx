import { useMutation } from '@tanstack/react-query';
import { Download, FileText } from 'lucide-react';
import type { ReactElement } from 'react';
import type { Hl7TreeField } from '../../../src/api/contract/body.ts';
import { apiUrl, ask } from '../api/client.ts';
import type { Part } from '../api/queries.ts';
import { Button } from '../element/button.tsx';
import { Problem } from '../element/notice.tsx';
import { bytes, count } from '../element/time-text.ts';
import { t } from '../language/translate.ts';
import { useMay } from '../shell/me.ts';

/** A value in a body. */
export interface Where {
  readonly id: number;
  readonly part: Part;
  readonly path: string;
}

/** The beginning of a value of kilobytes, and all of it on demand. */
export function WholeValue({
  beginning,
  length,
  where: { id, part, path },
}: {
  readonly beginning: string;
  readonly length: number;
  readonly where: Where;
}): ReactElement {
  const whole = useMutation({
    mutationFn: () => ask('GET /messages/{id}/body/value', { path: { id }, query: { part, path } }),
  });
  const { data } = whole;
  if (data !== undefined)
    return (
      <>
        <span className="block max-h-96 overflow-auto" tabIndex={0} role="region" aria-label={path}>
          {data.value}
        </span>
        {data.value.length < data.length && (
          <span className="block font-sans text-ink-2">
            {t('The first {shown} of {count} characters; the rest is in the raw view.', {
              shown: count(data.value.length),
              count: count(data.length),
            })}
          </span>
        )}
      </>
    );
  return (
    <>
      {beginning}…{' '}
      <Button
        look="quiet"
        className="font-sans"
        disabled={whole.isPending}
        onClick={() => whole.mutate()}
      >
        {t('Show all {count} characters', { count: count(length) })}
      </Button>
      {whole.isError && <Problem error={whole.error} />}
    </>
  );
}

const NAMES: Readonly<Record<string, string>> = {
  'application/pdf': 'PDF',
  'application/rtf': 'RTF',
  'image/jpeg': 'JPEG',
  'image/png': 'PNG',
  'image/gif': 'GIF',
  'image/tiff': 'TIFF',
};
/** What browsers show by themselves. */
const OPENED = new Set(['application/pdf', 'image/jpeg', 'image/png', 'image/gif']);

/** Documents and pictures in a field, to be opened or saved by those who may; each is in the audit log. */
export function EmbeddedFiles({
  embedded,
  where: { id, part },
}: {
  readonly embedded: NonNullable<Hl7TreeField['embedded']>;
  readonly where: Where;
}): ReactElement {
  const may = useMay();
  const allowed = may('message.export') && may('message.content.unmasked');
  return (
    <span className="my-1 flex flex-wrap gap-2 font-sans break-normal">
      {embedded.map(({ path, type, size }) => {
        const name = `${NAMES[type] ?? t('a file')}, ${bytes(size)}`;
        const href = apiUrl(`messages/${id}/body/embedded`, { part, path });
        return (
          <span
            key={path}
            className="inline-flex items-center gap-2 rounded-md border border-line-strong px-2 py-1"
          >
            <FileText size={14} className="text-ink-3" aria-hidden="true" />
            <span className="font-medium">{name}</span>
            {allowed && OPENED.has(type) && (
              <a
                href={href}
                target="_blank"
                rel="noreferrer"
                className="text-accent hover:underline"
              >
                {t('Open {name}', { name })}
              </a>
            )}
            {allowed && (
              <a
                href={href}
                download
                className="inline-flex items-center text-accent hover:underline"
                aria-label={t('Save {name}', { name })}
                title={t('Save {name}', { name })}
              >
                <Download size={14} aria-hidden="true" />
              </a>
            )}
          </span>
        );
      })}
    </span>
  );
}
