import { useMutation } from '@tanstack/react-query';
import { Link, useSearch } from '@tanstack/react-router';
import { type ReactElement, useState } from 'react';
import { askBytes } from '../api/client.ts';
import { Button, buttonStyle } from '../element/button.tsx';
import { Choice, Field } from '../element/field.tsx';
import { Problem } from '../element/notice.tsx';
import { Page } from '../element/page.tsx';
import { count } from '../element/time-text.ts';
import { criteriaOf } from '../search/search-state.ts';

/** The list that a search found, as a file. Bodies are not in it. */
export function ExportPage(): ReactElement {
  const state = useSearch({ from: '/export' });
  const [format, setFormat] = useState('csv');
  const [limit, setLimit] = useState('10000');
  const [now] = useState(() => Date.now());
  const download = useMutation({
    mutationFn: async () => {
      const response = await askBytes('messages/export', {
        body: { criteria: criteriaOf(state, now), format, limit: Number(limit) },
      });
      const file = await response.blob();
      save(
        file,
        `messages-${new Date(now).toISOString().slice(0, 19).replaceAll(':', '')}.${format}`,
      );
      return file.size;
    },
  });
  const given = Object.entries(criteriaOf(state, now));
  return (
    <Page
      title="Export"
      actions={
        <Link to="/messages" search={state} className={buttonStyle()}>
          Back to the search
        </Link>
      }
    >
      <div className="flex max-w-lg flex-col gap-3 rounded-lg border border-line bg-surface p-4">
        <p className="text-ink-2">
          Every message that fits, one a line, without its body. The export is recorded in the audit
          log.
        </p>
        <dl className="grid grid-cols-[7rem_1fr] gap-y-1 text-xs">
          {given.map(([key, value]) => (
            <div key={key} className="contents">
              <dt className="text-ink-2">{key}</dt>
              <dd className="break-words">
                {key === 'from' || key === 'to'
                  ? new Date(value as number).toLocaleString()
                  : typeof value === 'object'
                    ? JSON.stringify(value)
                    : `${value}`}
              </dd>
            </div>
          ))}
        </dl>
        <div className="flex gap-3">
          <Choice label="As" value={format} onChange={({ target }) => setFormat(target.value)}>
            <option value="csv">CSV</option>
            <option value="ndjson">JSON lines</option>
          </Choice>
          <Field
            label="At most"
            inputMode="numeric"
            pattern="[0-9]+"
            value={limit}
            onChange={({ target }) => setLimit(target.value)}
          />
        </div>
        <Button
          look="primary"
          className="h-9"
          disabled={download.isPending || !/^[1-9]\d{0,6}$/.test(limit)}
          onClick={() => download.mutate()}
        >
          {download.isPending ? 'Writing…' : 'Download'}
        </Button>
        {download.isError && <Problem error={download.error} />}
        {download.isSuccess && (
          <p role="status" className="text-good">
            Written: {count(download.data)} bytes.
          </p>
        )}
      </div>
    </Page>
  );
}

function save(file: Blob, name: string): void {
  const url = URL.createObjectURL(file);
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  URL.revokeObjectURL(url);
}
