import { anySegmentPath } from '../../document/segment-paths.ts';
import { readPlaceOrSegment, type StepKind } from './step-reader.ts';

/** `{ remove: NK1 }`, `{ remove: [PID-19, ZPI] }`: removes every segment or value at the paths. */
export const removeStep: StepKind = {
  keys: ['remove'],
  help: 'Removes every segment or value at the paths.',
  read(given, context) {
    const items = given.at('remove').items();
    const places = items
      .map((one) => readPlaceOrSegment(one, context))
      .filter((place) => place !== undefined);
    const segments = items.some(({ value }) => anySegmentPath(String(value))?.field === 0);
    return (work) => {
      for (const place of places) work.target.remove(place(work));
      work.run.removed ||= segments;
    };
  },
};
