import { useQuery } from '@tanstack/react-query';
import { type ReactElement, useState } from 'react';
import { bodyHex, type Part } from '../api/queries.ts';
import { Button } from '../element/button.tsx';
import { Problem, Waiting } from '../element/notice.tsx';
import { bytes } from '../element/time-text.ts';
import { t } from '../language/translate.ts';
import { Masked } from './hl7-tree.tsx';

const WIDTH = 16;
const PAGE = 4_096;

/** A body byte for byte, with what its bytes are in ASCII. */
export function HexView({ id, part }: { readonly id: number; readonly part: Part }): ReactElement {
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
