import type { FoundFile } from './file-scan.ts';

/** A file that may be taken, with the marker that says so. */
export interface MarkedFile extends FoundFile {
  /** Path of the marker; undefined where none is used or there. */
  readonly marker?: string | undefined;
}

/**
 * Gives each file its marker, found among `all`: `lab.hl7.done` or `lab.done` for `lab.hl7` and the
 * ending `.done`. Markers themselves are left out. Without an ending the files come back as they are.
 */
export function withMarkers(
  files: readonly FoundFile[],
  all: readonly FoundFile[],
  ending: string | undefined,
): readonly MarkedFile[] {
  if (ending === undefined) return files;
  const markers = new Set(all.flatMap(({ path }) => (path.endsWith(ending) ? [path] : [])));
  return files
    .filter(({ path }) => !markers.has(path))
    .map((file) => ({
      ...file,
      marker: markersOf(file.path, ending).find((path) => markers.has(path)),
    }));
}

function markersOf(path: string, ending: string): readonly string[] {
  const stem = path.replace(/\.[^./]*$/, '');
  return [`${path}${ending}`, `${stem}${ending}`];
}
