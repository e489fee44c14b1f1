import { useQuery } from '@tanstack/react-query';
import { Link, useNavigate, useSearch } from '@tanstack/react-router';
import { Pencil } from 'lucide-react';
import { type ReactElement, useState } from 'react';
import { ask } from '../api/client.ts';
import { type Edits, useEdits } from '../edit/edits.ts';
import { Button, buttonStyle } from '../element/button.tsx';
import { CopyButton } from '../element/copy-button.tsx';
import { Choice } from '../element/field.tsx';
import { Nothing, Pending, Warning } from '../element/notice.tsx';
import { Page, Panel } from '../element/page.tsx';
import { bytes } from '../element/time-text.ts';
import { t } from '../language/translate.ts';
import { lastTrial } from '../rehearsal/use-rehearsals.ts';
import { useMay } from '../shell/me.ts';
import { ChangeBar } from './change-bar.tsx';
import { OpenDrafts } from './drafts.tsx';
import { NewFile } from './new-file.tsx';
import { NumberedLines } from './numbered-lines.tsx';
import { TableEditor } from './table-editor.tsx';
import { readTable } from './table-text.ts';
import { TextEditor } from './text-editor.tsx';

/** The files of the production, on disk or in a version; the address may select a line. */
export function FilePage(): ReactElement {
  const may = useMay();
  const edits = useEdits();
  const { path, line, version } = useSearch({ from: '/files' });
  const navigate = useNavigate();
  const { data, error } = useQuery({
    queryKey: ['files', version],
    queryFn: ({ signal }) => ask('GET /production/files', { query: { version }, signal }),
  });
  const known = (data?.files ?? []).map((one) => one.path);
  const added = edits.all.filter((one) => !known.includes(one.path)).map((one) => one.path);
  const mayEdit = may('config.edit') && version === undefined;
  const files = mayEdit ? [...known, ...added].toSorted() : known;
  const chosen = path ?? known.find((one) => one === 'production.yaml');
  const isNew = data !== undefined && chosen !== undefined && added.includes(chosen);
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
      {mayEdit && <Changes edits={edits} />}
      <div className="grid items-start gap-4 lg:grid-cols-[16rem_minmax(0,1fr)]">
        <nav aria-label={t('Files')} className="max-lg:hidden">
          <ul className="flex flex-col rounded-lg border border-line bg-surface py-1 empty:hidden">
            {files.map((one) => (
              <li key={one}>
                <Link
                  to="/files"
                  search={{ path: one, version }}
                  aria-current={one === chosen ? 'page' : undefined}
                  className={`block truncate px-3 py-1 font-mono text-xs ${one === chosen ? 'bg-selected font-medium' : 'hover:bg-hover'}`}
                >
                  {one}
                  {edits.of(one) !== undefined && (
                    <span className="ml-1 font-sans text-warn">{t('changed ## of a file')}</span>
                  )}
                </Link>
              </li>
            ))}
          </ul>
          {mayEdit && data !== undefined && <NewFile known={known} edits={edits} />}
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
            <option key={one}>{one}</option>
          ))}
        </Choice>
        {chosen !== undefined && isNew && <NewFileView path={chosen} edits={edits} />}
        {chosen !== undefined && !isNew && (
          <FileView
            key={chosen}
            path={chosen}
            version={version}
            line={Number(line)}
            edits={edits}
          />
        )}
      </div>
    </Page>
  );
}

/** What was changed and is not applied, by this person and by others; then that it is. */
function Changes({ edits }: { readonly edits: Edits }): ReactElement {
  const [applied, setApplied] = useState<string | undefined>(undefined);
  return (
    <div className="mb-4 flex flex-col gap-4 empty:hidden">
      {edits.all.length > 0 && <ChangeBar edits={edits} onApplied={setApplied} />}
      {applied !== undefined && edits.all.length === 0 && <Applied reason={applied} />}
      <OpenDrafts />
    </div>
  );
}

/** That what was changed runs now, and the way back to the messages for which it was changed. */
function Applied({ reason }: { readonly reason: string }): ReactElement {
  const [trial] = useState(lastTrial);
  return (
    <p role="status" className="flex flex-wrap items-center gap-3">
      <span className="text-good">{t('Applied on every engine.')}</span>
      {trial !== undefined && trial.total > 0 && (
        <Link
          to="/rehearsals"
          search={{ frozen: trial.list, reason }}
          className={buttonStyle('primary')}
        >
          {t('Try the {count} {count|message|messages} from before again', { count: trial.total })}
        </Link>
      )}
    </p>
  );
}

/** A file that is not on disk yet. */
function NewFileView({
  path,
  edits,
}: {
  readonly path: string;
  readonly edits: Edits;
}): ReactElement {
  const edit = edits.of(path);
  return (
    <Panel
      title={path}
      flush
      actions={<Button onClick={() => edits.drop(path)}>{t('Leave it')}</Button>}
    >
      {edit !== undefined && (
        <Editor
          path={path}
          text={edit.text ?? ''}
          onChange={(next) => edits.put({ ...edit, text: next })}
        />
      )}
    </Panel>
  );
}

function FileView({
  path,
  version,
  line,
  edits,
}: {
  readonly path: string;
  readonly version: string | undefined;
  readonly line: number;
  readonly edits: Edits;
}): ReactElement {
  const may = useMay();
  const { data, error } = useQuery({
    queryKey: ['file', path, version],
    queryFn: ({ signal }) =>
      ask('GET /production/files/text', { query: { path, version }, signal }),
  });
  if (data === undefined) {
    return (
      <Panel title={path}>
        <Pending answer={data} error={error} />
      </Panel>
    );
  }
  const { text, hash, editable } = data;
  const edit = version === undefined ? edits.of(path) : undefined;
  const mayEdit = may('config.edit') && editable && version === undefined && text !== undefined;
  return (
    <Panel
      title={path}
      flush
      held
      actions={
        <>
          <span className="text-xs text-ink-2">{bytes(data.bytes)}</span>
          {mayEdit && edit === undefined && (
            <Button onClick={() => edits.put({ path, text, was: hash })}>
              <Pencil size={13} aria-hidden="true" /> {t('Change ## a file')}
            </Button>
          )}
          {edit !== undefined && <Button onClick={() => edits.drop(path)}>{t('As it was')}</Button>}
          {text !== undefined && (
            <CopyButton text={edit?.text ?? text} label={t('Copy the file')} />
          )}
        </>
      }
    >
      {edit?.was !== undefined && edit.was !== hash && (
        <div className="p-3">
          <Warning>
            {t(
              'Somebody else has changed this file since you began. Look at it as it is, then change it again.',
            )}
          </Warning>
        </div>
      )}
      {edit !== undefined ? (
        <Editor
          path={path}
          text={edit.text ?? ''}
          line={line}
          onChange={(next) => edits.put({ ...edit, text: next })}
        />
      ) : text === undefined ? (
        <Nothing>{t('It is too large to be shown here, or no text.')}</Nothing>
      ) : (
        <NumberedLines text={text} line={line} />
      )}
    </Panel>
  );
}

/** A code table as a table, everything else as text. */
function Editor({
  path,
  text,
  line,
  onChange,
}: {
  readonly path: string;
  readonly text: string;
  /** Where to begin, from 1. */
  readonly line?: number;
  readonly onChange: (text: string) => void;
}): ReactElement {
  const table = /\.(?:csv|tsv)$/.test(path) ? readTable(text) : undefined;
  if (table !== undefined) return <TableEditor name={path} table={table} onChange={onChange} />;
  return <TextEditor text={text} line={line} onChange={onChange} />;
}
