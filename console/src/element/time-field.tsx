import { type ReactElement, useEffect, useState } from 'react';
import { Field, INPUT } from './field.tsx';
import { localTime, timeOf, zonedTime } from './local-time.ts';

/** While a time is being typed it passes through other values: one that stays this long is meant. */
const MEANT = 600;

interface TimeFieldProps {
  readonly label: string;
  /** The label is only for screen readers. */
  readonly bare?: boolean;
  /** As in the address. */
  readonly value: string | undefined;
  readonly onChange: (value: string | undefined) => void;
}

/** A date and time that goes into the address. */
export function TimeField({ label, bare = false, value, onChange }: TimeFieldProps): ReactElement {
  const shown = localTime(timeOf(value)) ?? '';
  const [text, setText] = useState(shown);
  const [known, setKnown] = useState(value);
  if (known !== value) {
    setKnown(value);
    setText(shown);
  }
  useEffect(() => {
    if (text === shown) return undefined;
    const timer = setTimeout(() => onChange(zonedTime(timeOf(text))), MEANT);
    return () => clearTimeout(timer);
  }, [text]);
  const input = {
    type: 'datetime-local',
    step: '1',
    value: text,
    onChange: ({ target }: { readonly target: HTMLInputElement }) => setText(target.value),
  };
  return bare ? (
    <input aria-label={label} className={`${INPUT} !w-56`} {...input} />
  ) : (
    <Field label={label} {...input} />
  );
}
