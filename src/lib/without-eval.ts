// Tells zod not to compile its checks into code: the content security policy forbids that, and even trying is reported.
// To be imported before anything that makes schemas.
import { config } from 'zod';

config({ jitless: true });
