import type { ReactElement } from 'react';

interface CheckboxesProps<Name extends string> {
  readonly legend: string;
  /** The choices, each with its label. */
  readonly options: readonly (readonly [Name, string])[];
  readonly chosen: readonly Name[];
  readonly onChange: (chosen: readonly Name[]) => void;
  /** The labels are names rather than words. */
  readonly verbatim?: boolean;
  /** The last one cannot be removed. */
  readonly needed?: boolean;
}

/** A choice of any of several, in the order in which they were chosen. */
export function Checkboxes<Name extends string>({
  legend,
  options,
  chosen,
  onChange,
  verbatim = false,
  needed = false,
}: CheckboxesProps<Name>): ReactElement {
  return (
    <fieldset className="grid grid-cols-2 gap-x-5 gap-y-1">
      <legend className="mb-1 text-xs text-ink-2">{legend}</legend>
      {options.map(([name, title]) => {
        const checked = chosen.includes(name);
        return (
          <label
            key={name}
            className={`flex min-h-7 cursor-pointer items-center gap-2 ${verbatim ? 'font-mono text-2xs break-all' : ''}`}
          >
            <input
              type="checkbox"
              className="size-4 shrink-0 accent-accent"
              checked={checked}
              disabled={needed && checked && chosen.length === 1}
              onChange={() =>
                onChange(checked ? chosen.filter((one) => one !== name) : [...chosen, name])
              }
            />
            <span translate={verbatim ? 'no' : 'yes'}>{title}</span>
          </label>
        );
      })}
    </fieldset>
  );
}
