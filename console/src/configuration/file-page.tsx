import { useQuery } from '@tanstack/react-query';
import { Link, useNavigate, useSearch } from '@tanstack/react-router';
import { type ReactElement, useEffect, useRef } from 'react';
import type { Files, FileText } from '../../../src/api/contract/files.ts';
import { ask } from '../api/client.ts';
import { buttonStyle } from '../element/button.tsx';
import { CopyButton } from '../element/copy-button.tsx';
import { Choice } from '../element/field.tsx';
import { Nothing, Pending } from '../element/notice.tsx';
import { Page, Panel } from '../element/page.tsx';
import { bytes } from '../element/time-text.ts';
import { t } from '../language/translate.ts';

/** The files of the production, as they lie on disk or as they were in a version; a line is found by the address. */
export function FilePage(): ReactElement {
  const { path, line, version } = useSearch({ from: '/files' });
  const navigate = useNavigate();
  const { data, error } = useQuery({
    queryKey: ['files', version],
    queryFn: ({ signal }) => ask<Files>('production/files', { query: { version }, signal }),
  });
  const files = data?.files ?? [];
  const chosen = path ?? files.find((one) => one.path === 'production.yaml')?.path;
  return (
    <Page
      title={t('Files')}
      detail={
        version === undefined
          ? t('as they lie on disk')
          : t('of the version {version}', { version })
      }
      actions={
        <>
          <Link to="/history" className={buttonStyle()}>
            {t('History')}
          </Link>
          <Link to="/configuration" className={buttonStyle()}>
            {t('Configuration')}
          </Link>
        </>
      }
    >
      <Pending answer={data} error={error} />
      <div className="grid items-start gap-4 lg:grid-cols-[16rem_minmax(0,1fr)]">
        <nav aria-label={t('Files')} className="max-lg:hidden">
          <ul className="flex flex-col rounded-lg border border-line bg-surface py-1">
            {files.map((one) => (
              <li key={one.path}>
                <Link
                  to="/files"
                  search={{ path: one.path, version }}
                  aria-current={one.path === chosen ? 'page' : undefined}
                  className={`block truncate px-3 py-1 font-mono text-xs ${one.path === chosen ? 'bg-selected font-medium' : 'hover:bg-hover'}`}
                >
                  {one.path}
                </Link>
              </li>
            ))}
          </ul>
        </nav>
        <Choice
          label={t('File')}
          className="lg:hidden"
          value={chosen ?? ''}
          onChange={({ target }) =>
            void navigate({ to: '/files', search: { path: target.value, version } })
          }
        >
          {files.map((one) => (
            <option key={one.path}>{one.path}</option>
          ))}
        </Choice>
        {chosen !== undefined && <FileView path={chosen} version={version} line={Number(line)} />}
      </div>
    </Page>
  );
}

function FileView({
  path,
  version,
  line,
}: {
  readonly path: string;
  readonly version: string | undefined;
  readonly line: number;
}): ReactElement {
  const { data, error } = useQuery({
    queryKey: ['file', path, version],
    queryFn: ({ signal }) =>
      ask<FileText>('production/files/text', { query: { path, version }, signal }),
  });
  if (data === undefined) {
    return (
      <Panel title={path}>
        <Pending answer={data} error={error} />
      </Panel>
    );
  }
  return (
    <Panel
      title={path}
      flush
      actions={
        <>
          <span className="text-xs text-ink-2">{bytes(data.bytes)}</span>
          {data.text !== undefined && <CopyButton text={data.text} label={t('Copy the file')} />}
        </>
      }
    >
      {data.text === undefined ? (
        <Nothing>{t('It is too large to be shown here, or no text.')}</Nothing>
      ) : (
        <NumberedLines text={data.text} line={line} />
      )}
    </Panel>
  );
}

/** A text with the numbers of its lines; the one that is looked for is in sight and marked. */
function NumberedLines({
  text,
  line,
}: {
  readonly text: string;
  readonly line: number;
}): ReactElement {
  const wanted = useRef<HTMLDivElement>(null);
  useEffect(() => {
    wanted.current?.scrollIntoView({ block: 'center' });
  }, [text, line]);
  const lines = text.replace(/\r?\n$/, '').split(/\r?\n/);
  return (
    <pre
      className="overflow-x-auto py-1 font-mono text-xs leading-5"
      tabIndex={0}
      aria-label={t('Text of the file')}
      translate="no"
    >
      {lines.map((one, index) => {
        const isWanted = index + 1 === line;
        return (
          // oxlint-disable-next-line react/no-array-index-key -- a line is what stands at its number
          <div
            key={index}
            ref={isWanted ? wanted : undefined}
            aria-current={isWanted ? 'location' : undefined}
            className={`flex ${isWanted ? 'bg-warn-soft' : ''}`}
          >
            <span className="w-12 shrink-0 pr-3 text-right text-ink-2 select-none">
              {index + 1}
            </span>
            <code className="pr-3 whitespace-pre">{one}</code>
          </div>
        );
      })}
    </pre>
  );
}
