import { Link } from '@tanstack/react-router';
import type { ReactElement } from 'react';
import { useMay } from './me.ts';

/** A line of the production's files; it opens where somebody may see them. */
export function FilePlace({
  file,
  line,
}: {
  readonly file: string;
  readonly line: number;
}): ReactElement {
  const may = useMay();
  const place = `${file}:${line}`;
  if (!may('config.view')) return <span translate="no">{place}</span>;
  return (
    <Link to="/files" search={{ path: file, line: `${line}` }} className="text-accent underline">
      <span translate="no">{place}</span>
    </Link>
  );
}
