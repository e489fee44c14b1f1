import { useMutation, useQuery } from '@tanstack/react-query';
import { ChevronRight, Download, FileText } from 'lucide-react';
import { memo, type ReactElement, type ReactNode, useEffect, useState } from 'react';
import type { Hl7TreeField, Hl7TreeSegment } from '../../../src/api/contract/body.ts';
import { apiUrl, ask } from '../api/client.ts';
import { type Part, segmentTree } from '../api/queries.ts';
import { Button } from '../element/button.tsx';
import { CopyButton } from '../element/copy-button.tsx';
import { INPUT } from '../element/field.tsx';
import { Problem, Waiting } from '../element/notice.tsx';
import { bytes, count } from '../element/time-text.ts';
import { t } from '../language/translate.ts';
import { EmergencyButton } from '../shell/emergency.tsx';
import { useMay } from '../shell/me.ts';

/** An HL7 message as segments and fields with the names its version gives them, or an interchange of X12 or EDIFACT with its loops. Each path can be copied. */
export function Hl7TreeView({
  id,
  part,
  type,
}: {
  readonly id: number;
  readonly part: Part;
  readonly type: string;
}): ReactElement {
  const { data, error } = useQuery(segmentTree(id, part, type));
  const [text, setText] = useState('');
  if (error !== null)
    return (
      <div className="p-3">
        <Problem error={error} />
      </div>
    );
  if (data === undefined) return <Waiting />;
  const segments = data.segments
    .map((segment) => matching(segment, text.trim().toLowerCase()))
    .filter((one) => one !== undefined);
  return (
    <div className="pb-3">
      <div className="sticky top-0 z-10 flex flex-wrap items-center gap-2 border-b border-line bg-surface px-3 py-1.5">
        <input
          type="search"
          aria-label={t('Find in the message')}
          placeholder={t('find path, name or value')}
          value={text}
          onChange={({ target }) => setText(target.value)}
          className={`${INPUT} !w-52`}
        />
        <span className="text-xs text-ink-2">
          {[data.title ?? data.message, `${data.standard} ${data.version}`.trim(), data.charset]
            .filter(Boolean)
            .join(' · ')}
        </span>
        {data.masked && <Masked />}
      </div>
      <Segments segments={segments} id={id} part={part} />
      {segments.length === 0 && (
        <p className="p-4 text-ink-2">{t('Nothing in this message matches “{text}”.', { text })}</p>
      )}
    </div>
  );
}

/** How many more segments are drawn at once: a browser that draws thousands of rows in one go answers to nothing. */
const STEP = 10;

/** Some segments at first, the others little by little: who types or scrolls meanwhile is not held up. */
function Segments({
  segments,
  id,
  part,
}: {
  readonly segments: readonly Hl7TreeSegment[];
  readonly id: number;
  readonly part: Part;
}): ReactElement {
  const [shown, setShown] = useState(STEP);
  const isAll = shown >= segments.length;
  useEffect(() => {
    if (isAll) return undefined;
    const timer = setTimeout(() => setShown(shown + STEP), 0);
    return () => clearTimeout(timer);
  }, [isAll, shown]);
  return (
    <>
      {segments.slice(0, shown).map((segment) => (
        <Segment key={`${segment.name} ${segment.index}`} segment={segment} id={id} part={part} />
      ))}
    </>
  );
}

/** Says that the server has masked what this user may not see. */
export function Masked(): ReactElement {
  return (
    <>
      <span className="rounded bg-warn-soft px-1.5 text-2xs font-medium text-warn">
        {t('patient data masked')}
      </span>
      <EmergencyButton />
    </>
  );
}

function matching(segment: Hl7TreeSegment, text: string): Hl7TreeSegment | undefined {
  if (text === '' || `${segment.name} ${segment.title ?? ''}`.toLowerCase().includes(text))
    return segment;
  const fields = segment.fields.filter(({ path, name, raw, meaning }) =>
    `${path} ${name ?? ''} ${raw} ${meaning ?? ''}`.toLowerCase().includes(text),
  );
  return fields.length === 0 ? undefined : { ...segment, fields };
}

interface SegmentProps {
  readonly segment: Hl7TreeSegment;
  readonly id: number;
  readonly part: Part;
}

const Segment = memo(function Segment({ segment, id, part }: SegmentProps): ReactElement {
  const { name, index, title, fields } = segment;
  return (
    <details
      open
      className="group/segment border-b border-line [contain-intrinsic-size:auto_12rem] [content-visibility:auto]"
    >
      <summary className="flex items-center gap-1.5 bg-sunken px-2 py-1 list-none">
        <ChevronRight
          size={14}
          className="text-ink-3 group-open/segment:rotate-90"
          aria-hidden="true"
        />
        <span className="font-mono text-xs font-semibold">
          {name}
          {index > 1 ? ` (${index})` : ''}
        </span>
        <span className="truncate text-xs text-ink-2">{title}</span>
      </summary>
      {fields.map((field) => (
        <Hl7Field key={field.path} field={field} where={{ id, part, path: field.path }} />
      ))}
    </details>
  );
});

const LINE =
  'group grid grid-cols-[6.5rem_12rem_minmax(0,1fr)_1.25rem] items-start gap-x-2 px-2 hover:bg-hover max-sm:grid-cols-[5.5rem_minmax(0,1fr)_1.25rem]';

/** One field with its path, name, value and the meaning of its code; below it the components of every repetition. */
function Hl7Field({
  field,
  where,
}: {
  readonly field: Hl7TreeField;
  readonly where: Where;
}): ReactElement {
  const { path, name, raw, length, meaning, repetitions, table, embedded } = field;
  const parts = repetitions.flat().filter(({ value }) => value !== '');
  const nested = repetitions.length > 1 || repetitions.some((one) => one.length > 1);
  return (
    <>
      <Line
        path={path}
        name={name}
        hint={table === undefined ? name : t('{name} · table {table}', { name: name ?? '', table })}
      >
        {nested || length === undefined ? (
          raw
        ) : (
          <WholeValue beginning={raw} length={length} where={where} />
        )}
        {nested && length !== undefined && '…'}
        {embedded !== undefined && <EmbeddedFiles embedded={embedded} where={where} />}
        {meaning !== undefined && <span className="ml-2 font-sans text-ink-2">{meaning}</span>}
      </Line>
      {nested &&
        parts.map((component) => (
          <Line
            key={component.path}
            path={component.path}
            name={component.name}
            hint={component.name}
            part
          >
            {component.length === undefined ? (
              component.value
            ) : (
              <WholeValue
                beginning={component.value}
                length={component.length}
                where={{ ...where, path: component.path }}
              />
            )}
          </Line>
        ))}
    </>
  );
}

interface LineProps {
  readonly path: string;
  readonly name: string | undefined;
  readonly hint: string | undefined;
  readonly children: ReactNode;
  /** A component, shown below its field. */
  readonly part?: boolean;
}

function Line({ path, name, hint, children, part = false }: LineProps): ReactElement {
  const small = part ? 'text-2xs text-ink-3' : 'text-xs text-ink-2';
  return (
    <div className={LINE}>
      <span
        className={`py-0.5 font-mono ${small} ${part ? 'pl-7 max-sm:pl-3' : 'pl-5 max-sm:pl-0'}`}
      >
        {path}
      </span>
      <span className={`truncate py-0.5 max-sm:hidden ${small}`} title={hint}>
        {name}
      </span>
      <span className="py-0.5 font-mono text-xs break-all whitespace-pre-wrap">
        {children}
        {name !== undefined && (
          <span className="block font-sans text-2xs break-normal text-ink-3 sm:hidden">{name}</span>
        )}
      </span>
      <CopyButton text={path} label={t('Copy the path {path}', { path })} quiet />
    </div>
  );
}

/** A value in a body. */
interface Where {
  readonly id: number;
  readonly part: Part;
  readonly path: string;
}

/** The beginning of a value of kilobytes, and all of it on demand. */
function WholeValue({
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
function EmbeddedFiles({
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
