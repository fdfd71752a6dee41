import { idOfKey } from '../core/key-id.ts';
import type { Question } from './execution.ts';

/** Id and index of a question follow from the key of the task that asks: asking twice is asking once. */
export function questionOf(taskKey: string): Pick<Question, 'id' | 'index'> {
  const id = idOfKey(`${taskKey}/question`);
  return { id, index: id.slice(-6) };
}
