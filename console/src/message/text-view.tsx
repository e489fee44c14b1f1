import { useQuery } from '@tanstack/react-query';
import type { ReactElement } from 'react';
import type { BodyText } from '../../../src/api/contract/body.ts';
import { bodyText, type Part } from '../api/queries.ts';
import { Problem, Waiting } from '../element/notice.tsx';
import { bytes } from '../element/time-text.ts';
import { t } from '../language/translate.ts';
import { Masked } from './hl7-tree.tsx';

interface TextViewProps {
  readonly id: number;
  readonly part: Part;
  readonly pretty?: boolean;
}

/** A body as text, line by line, with the signs that one does not see made visible. */
export function TextView({ id, part, pretty = false }: TextViewProps): ReactElement {
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
        {data.charset} · {bytes(data.size)}
        {data.masked && <Masked />}
        {data.next !== undefined && (
          <span className="text-warn">
            {t('the first {size} are shown; download has all', { size: bytes(data.next) })}
          </span>
        )}
      </div>
      <pre className="py-1 font-mono text-xs leading-5">
        {linesOf(data).map((line, index) => (
          // a body never changes: its lines may be told apart by their number
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

/** HL7 ends its segments with a carriage return alone. */
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
