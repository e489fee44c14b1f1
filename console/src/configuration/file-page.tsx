import { useQuery } from '@tanstack/react-query';
import { Link, useNavigate, useSearch } from '@tanstack/react-router';
import { FilePlus, Pencil } from 'lucide-react';
import { type FormEvent, type ReactElement, useEffect, useRef, useState } from 'react';
import { ask } from '../api/client.ts';
import { type Edits, useEdits } from '../edit/edits.ts';
import { Button, buttonStyle } from '../element/button.tsx';
import { CopyButton } from '../element/copy-button.tsx';
import { Choice, Field } from '../element/field.tsx';
import { Nothing, Pending, Warning } from '../element/notice.tsx';
import { Page, Panel } from '../element/page.tsx';
import { bytes } from '../element/time-text.ts';
import { t } from '../language/translate.ts';
import { lastTrial } from '../rehearsal/use-rehearsals.ts';
import { useMay } from '../shell/me.ts';
import { ChangeBar } from './change-bar.tsx';
import { OpenDrafts } from './drafts.tsx';
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

/** What may be written in the console: no code, and nothing outside of the production's folder. */
const PATH = /^(?!data\/|console\.yaml$)[\w][\w.-]*(?:\/[\w][\w.-]*)*\.(?:ya?ml|csv|tsv)$/;

/** How a file begins; a table that is empty could not be filled in. */
const beginning = (path: string): string => (path.endsWith('.csv') ? 'key,value\n' : '');

/** Begins a file that the production does not have yet; it is part of the change like every other edit. */
function NewFile({
  known,
  edits,
}: {
  readonly known: readonly string[];
  readonly edits: Edits;
}): ReactElement {
  const navigate = useNavigate();
  const [path, setPath] = useState('');
  const [wrong, setWrong] = useState(false);
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    const wanted = path.trim();
    setWrong(!PATH.test(wanted));
    if (!PATH.test(wanted)) return;
    const isNew = !known.includes(wanted) && edits.of(wanted) === undefined;
    if (isNew) edits.put({ path: wanted, text: beginning(wanted) });
    setPath('');
    void navigate({ to: '/files', search: { path: wanted } });
  };
  return (
    <form onSubmit={submit} className="mt-3 flex flex-col gap-2">
      <Field
        label={t('New file')}
        value={path}
        onChange={({ target }) => setPath(target.value)}
        maxLength={200}
        hint={t('YAML or a table, below the folder of the production')}
        aria-invalid={wrong}
      />
      {wrong && (
        <p className="text-xs text-bad" role="alert">
          {t('Write a path such as transforms/to-lab.yaml or lookups/wards.csv.')}
        </p>
      )}
      <Button type="submit">
        <FilePlus size={13} aria-hidden="true" /> {t('Begin it')}
      </Button>
    </form>
  );
}

/** Pixels. */
const LINE = 20;
/** The browser lays out only the blocks that are in view, and finds text in all of them. */
const BLOCK = 200;

/** A text with line numbers; the selected line is scrolled into view and marked. */
function NumberedLines({
  text,
  line,
}: {
  readonly text: string;
  readonly line: number;
}): ReactElement {
  const wanted = useRef<HTMLSpanElement>(null);
  useEffect(() => {
    wanted.current?.scrollIntoView({ block: 'center' });
  }, [text, line]);
  const lines = text.replace(/\r?\n$/, '').split(/\r?\n/);
  const blocks = Array.from({ length: Math.ceil(lines.length / BLOCK) }, (_, at) => at * BLOCK);
  return (
    <pre
      className="overflow-x-auto py-1 font-mono text-xs leading-5"
      tabIndex={0}
      aria-label={t('Text of the file')}
      translate="no"
    >
      {blocks.map((from) => {
        const own = lines.slice(from, from + BLOCK);
        const at = line - 1 - from;
        const isHere = at >= 0 && at < own.length;
        return (
          <div
            key={from}
            className="flex w-max min-w-full"
            style={{
              contentVisibility: 'auto',
              containIntrinsicHeight: `${own.length * LINE}px`,
            }}
          >
            <span
              className="w-14 shrink-0 pr-3 text-right text-ink-2 select-none"
              aria-hidden="true"
            >
              {own.map((_, n) => from + n + 1).join('\n')}
            </span>
            <code className="grow pr-3 whitespace-pre">
              {isHere ? (
                <>
                  {own.slice(0, at).join('\n')}
                  <span ref={wanted} aria-current="location" className="block min-h-5 bg-warn-soft">
                    {own[at]}
                  </span>
                  {own.slice(at + 1).join('\n')}
                </>
              ) : (
                own.join('\n')
              )}
            </code>
          </div>
        );
      })}
    </pre>
  );
}
