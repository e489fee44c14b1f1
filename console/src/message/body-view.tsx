import { useQuery } from '@tanstack/react-query';
import { Download, Paperclip } from 'lucide-react';
import { type ReactElement, useState } from 'react';
import type { BodyText } from '../../../src/api/contract/body.ts';
import { apiUrl } from '../api/client.ts';
import { bodyHex, bodyMail, bodyTable, bodyText, type Part } from '../api/queries.ts';
import { Button } from '../element/button.tsx';
import { Pending, Problem, Waiting } from '../element/notice.tsx';
import { Tabs } from '../element/tabs.tsx';
import { bytes, zone } from '../element/time-text.ts';
import { When } from '../element/when.tsx';
import { t } from '../language/translate.ts';
import { useMay } from '../shell/me.ts';
import { Hl7TreeView, Masked } from './hl7-tree.tsx';

type View = 'tree' | 'attributes' | 'mail' | 'pretty' | 'table' | 'raw' | 'hex';

const TITLES = {
  tree: t('Tree'),
  attributes: t('Attributes'),
  mail: t('Mail'),
  pretty: t('Pretty'),
  table: t('Table'),
  raw: t('Raw'),
  hex: t('Hex'),
} as const satisfies Record<View, string>;

/** The views for a body of that type, best first. */
function viewsOf(type: string): readonly View[] {
  if (type.startsWith('HL7v2')) return ['tree', 'raw', 'hex'];
  if (/^(?:X12|EDIFACT)\b/.test(type)) return ['tree', 'pretty', 'raw', 'hex'];
  if (/^application\/astm\b/.test(type)) return ['tree', 'raw', 'hex'];
  if (type === 'application/dicom') return ['attributes', 'hex'];
  if (/^message\/rfc822\b/i.test(type)) return ['mail', 'raw', 'hex'];
  if (/json|xml/i.test(type) || type.startsWith('FHIR')) return ['pretty', 'raw', 'hex'];
  if (/csv|delimited|tab-separated/i.test(type)) return ['table', 'raw', 'hex'];
  return ['raw', 'hex'];
}

interface BodyViewProps {
  readonly id: number;
  readonly part: Part;
  readonly type: string;
  readonly view?: string | undefined;
  readonly onView?: (view: string) => void;
}

/** A body in the best form for its type, or as text or bytes. */
export function BodyView({ id, part, type, view, onView }: BodyViewProps): ReactElement {
  const may = useMay();
  const views = viewsOf(type);
  const [own, setOwn] = useState<View | undefined>(undefined);
  const selected = views.find((one) => one === (view ?? own)) ?? views[0] ?? 'raw';
  if (!may('message.content'))
    return (
      <p className="p-4 text-ink-2">
        {t('You may see that this message passed, but not its content.')}
      </p>
    );
  return (
    <Tabs
      label={t('View of the body')}
      tabs={views.map((one) => [one, TITLES[one]] as const)}
      selected={selected}
      onSelect={(next) => {
        setOwn(next);
        onView?.(next);
      }}
      actions={
        may('message.export') && may('message.content.unmasked') ? (
          <a
            href={apiUrl(`messages/${id}/body/raw`, { part })}
            download
            className="inline-flex size-7 items-center justify-center rounded text-ink-2 hover:bg-hover"
            aria-label={t('Download the exact bytes')}
            title={t('Download the exact bytes')}
          >
            <Download size={14} aria-hidden="true" />
          </a>
        ) : undefined
      }
    >
      {selected === 'tree' && <Hl7TreeView id={id} part={part} type={type} />}
      {(selected === 'raw' || selected === 'pretty' || selected === 'attributes') && (
        <TextView id={id} part={part} as={selected} />
      )}
      {selected === 'mail' && <MailView id={id} part={part} />}
      {selected === 'hex' && <HexView id={id} part={part} />}
      {selected === 'table' && <TableView id={id} part={part} />}
    </Tabs>
  );
}

const WIDTH = 16;
const PAGE = 4_096;

/** A body byte by byte, with its ASCII characters. */
function HexView({ id, part }: { readonly id: number; readonly part: Part }): ReactElement {
  const [offset, setOffset] = useState(0);
  const { data, error } = useQuery(bodyHex(id, part, offset));
  if (error !== null)
    return (
      <div className="p-3">
        <Problem error={error} />
      </div>
    );
  if (data === undefined) return <Waiting />;
  const pairs = data.hex.match(/../g) ?? [];
  const rows = Array.from({ length: Math.ceil(pairs.length / WIDTH) }, (_, row) =>
    pairs.slice(row * WIDTH, (row + 1) * WIDTH),
  );
  return (
    <div>
      <div className="flex flex-wrap items-center gap-2 border-b border-line px-3 py-1.5 text-xs text-ink-2">
        {t('bytes {from} to {to} of {size}', {
          from: data.offset,
          to: data.offset + pairs.length,
          size: bytes(data.size),
        })}
        {data.masked && <Masked />}
        <Button disabled={offset === 0} onClick={() => setOffset(Math.max(0, offset - PAGE))}>
          {t('Back')}
        </Button>
        <Button disabled={data.next === undefined} onClick={() => setOffset(data.next ?? 0)}>
          {t('On ## to what follows')}
        </Button>
      </div>
      <pre className="overflow-x-auto p-3 font-mono text-xs leading-5">
        {rows.map((row, index) => (
          <div key={index} className="whitespace-pre hover:bg-hover">
            <span className="text-ink-3">
              {(data.offset + index * WIDTH).toString(16).padStart(8, '0')}
            </span>
            {'  '}
            {row.join(' ').padEnd(WIDTH * 3 - 1)}
            {'  '}
            <span className="text-ink-2">{row.map(readable).join('')}</span>
          </div>
        ))}
      </pre>
    </div>
  );
}

function readable(pair: string): string {
  const code = Number.parseInt(pair, 16);
  if (code === 13) return '␍';
  if (code === 10) return '␊';
  return code >= 32 && code < 127 ? String.fromCharCode(code) : '·';
}

/** A mail for reading. Its HTML is never rendered. */
function MailView({ id, part }: { readonly id: number; readonly part: Part }): ReactElement {
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
        <p className="mt-2 text-xs text-ink-2">{t('The mail also has HTML; its text is shown.')}</p>
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

interface TextViewProps {
  readonly id: number;
  readonly part: Part;
  readonly as: 'raw' | 'pretty' | 'attributes';
}

/** A body as text, line by line, with invisible characters made visible. */
function TextView({ id, part, as }: TextViewProps): ReactElement {
  const pretty = as === 'pretty';
  const { data, error } = useQuery(bodyText(id, part, pretty));
  if (error !== null)
    return (
      <div className="p-3">
        <Problem error={error} />
      </div>
    );
  if (data === undefined) return <Waiting />;
  return (
    <div>
      <div className="flex flex-wrap items-center gap-2 border-b border-line px-3 py-1.5 text-xs text-ink-2">
        {/* a DICOM object names its own, which is among its attributes */}
        {as === 'attributes' ? '' : `${data.charset} · `}
        {bytes(data.size)}
        {data.masked && <Masked />}
        {data.next !== undefined && (
          <span className="text-warn">
            {t('the first {size} are shown; the download has all of it', {
              size: bytes(data.next),
            })}
          </span>
        )}
      </div>
      <pre className="py-1 font-mono text-xs leading-5">
        {linesOf(data).map((line, index) => (
          // a body never changes: its lines can be identified by number
          <div key={index} className="flex hover:bg-hover">
            <span
              className="w-11 shrink-0 pr-3 text-right text-ink-3 select-none"
              aria-hidden="true"
            >
              {index + 1}
            </span>
            <code className="min-w-0 flex-1 pr-3 break-all whitespace-pre-wrap">
              <Line text={line} kind={data.kind} />
            </code>
          </div>
        ))}
      </pre>
    </div>
  );
}

/** HL7 ends its segments with only a carriage return. */
function linesOf({ text }: BodyText): readonly string[] {
  const lines = text.split(/\r\n|\r|\n/);
  return lines.at(-1) === '' ? lines.slice(0, -1) : lines;
}

const JSON_TOKEN =
  /("(?:[^"\\]|\\.)*")(\s*:)?|(-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)|\b(true|false|null)\b/g;
const XML_TOKEN = /(<\/?[\w:.-]+)|([\w:.-]+=)("[^"]*"|'[^']*')|(\/?>)/g;

function Line({
  text,
  kind,
}: {
  readonly text: string;
  readonly kind: BodyText['kind'];
}): ReactElement {
  switch (kind) {
    case 'hl7':
      return <Hl7Line text={text} />;
    case 'json':
      return (
        <Coloured
          text={text}
          pattern={JSON_TOKEN}
          look={([, string, colon]) =>
            colon === undefined ? (string === undefined ? 'text-warn' : 'text-good') : 'text-info'
          }
        />
      );
    case 'xml':
      return (
        <Coloured
          text={text}
          pattern={XML_TOKEN}
          look={([, tag, name]) =>
            tag === undefined ? (name === undefined ? 'text-info' : 'text-good') : 'text-info'
          }
        />
      );
    case 'x12':
    case 'edifact':
    case 'astm':
      return <EdiLine text={text} />;
    case 'dicom':
    case 'delimited':
    case 'text':
    default:
      return <>{text}</>;
  }
}

function Hl7Line({ text }: { readonly text: string }): ReactElement {
  return (
    <>
      <span className="font-semibold text-accent">{text.slice(0, 3)}</span>
      {text
        .slice(3)
        .split(/([|^~&])/)
        .map((part, index) => (
          <span key={index} className={/^[|^~&]$/.test(part) ? 'text-ink-3' : ''}>
            {part}
          </span>
        ))}
    </>
  );
}

/** Its name comes first; the actual separators are defined elsewhere, so the usual ones are dimmed. */
function EdiLine({ text }: { readonly text: string }): ReactElement {
  const [name = ''] = /^[A-Z][A-Z\d]{0,2}(?![A-Z\d])/.exec(text) ?? [];
  return (
    <>
      <span className="font-semibold text-accent">{name}</span>
      <Coloured text={text.slice(name.length)} pattern={/[*+:^~'|>]/g} look={() => 'text-ink-3'} />
    </>
  );
}

interface ColouredProps {
  readonly text: string;
  readonly pattern: RegExp;
  readonly look: (match: RegExpMatchArray) => string;
}

function Coloured({ text, pattern, look }: ColouredProps): ReactElement {
  const parts: ReactElement[] = [];
  let end = 0;
  for (const match of text.matchAll(pattern)) {
    parts.push(
      <span key={`${end}-`}>{text.slice(end, match.index)}</span>,
      <span key={end} className={look(match)}>
        {match[0]}
      </span>,
    );
    end = match.index + match[0].length;
  }
  return (
    <>
      {parts}
      {text.slice(end)}
    </>
  );
}

const TABLE_PAGE = 200;

/** Delimited text as rows and columns. */
function TableView({ id, part }: { readonly id: number; readonly part: Part }): ReactElement {
  const [after, setAfter] = useState(0);
  const { data, error } = useQuery(bodyTable(id, part, after));
  if (error !== null)
    return (
      <div className="p-3">
        <Problem error={error} />
      </div>
    );
  if (data === undefined) return <Waiting />;
  return (
    <div>
      <div className="flex flex-wrap items-center gap-2 border-b border-line px-3 py-1.5 text-xs text-ink-2">
        {t('{count} {count|row|rows}', { count: data.rowCount })}
        {data.masked && <Masked />}
        {after > 0 && (
          <Button onClick={() => setAfter(Math.max(0, after - TABLE_PAGE))}>{t('Back')}</Button>
        )}
        {data.next !== undefined && (
          <Button onClick={() => setAfter(data.next ?? 0)}>{t('On ## to what follows')}</Button>
        )}
      </div>
      <table className="border-collapse text-xs">
        <thead>
          <tr className="bg-sunken">
            <th scope="col" className="px-2 py-1 text-right font-medium text-ink-2">
              {t('row')}
            </th>
            {data.columns.map((name) => (
              <th
                key={name}
                scope="col"
                className="border-l border-line px-2 py-1 text-left font-medium"
              >
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {data.rows.map((row, index) => (
            <tr key={after + index} className="border-t border-line hover:bg-hover">
              <td className="px-2 py-0.5 text-right text-ink-3">{after + index + 1}</td>
              {row.map((value, column) => (
                <td
                  key={data.columns[column] ?? column}
                  className="border-l border-line px-2 py-0.5 font-mono"
                >
                  {value}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
