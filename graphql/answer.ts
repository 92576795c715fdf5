// Executes one operation. A list may leave out what cannot be read: the rest is answered, and what was left out stands among
// the errors, with its code and the file, but without a path, because no field of the answer is missing.
import { execute, GraphQLError } from 'graphql';
import type { ExecutionArgs, ExecutionResult } from 'graphql';
import type { ReportError } from '../reports/errors.ts';
import type { Context } from './resolvers.ts';

/** The result of an operation whose document was validated; throws only where graphql's `execute` does. */
export async function answer(
  operation: Omit<ExecutionArgs, 'contextValue'>,
  context: Omit<Context, 'leaveOut'>,
): Promise<ExecutionResult> {
  const leftOut: GraphQLError[] = [];
  const leaveOut = (error: ReportError) =>
    void leftOut.push(new GraphQLError(error.message, { extensions: { ...error.extensions }, cause: error }));
  const contextValue: Context = { ...context, leaveOut };
  const result = await execute({ ...operation, contextValue });
  return leftOut.length > 0 ? { ...result, errors: [...(result.errors ?? []), ...leftOut] } : result;
}
