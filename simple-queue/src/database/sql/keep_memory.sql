-- keep_memory
-- Makes the server process keep the memory that its statements need.
--
-- The C library returns memory to the system after every statement that used more than a threshold, and takes it again
-- page by page in the next, which costs 10 % of a claim of a thousand jobs. glibc derives the threshold from the
-- largest block that was ever freed, and then keeps up to twice that size (M_TRIM_THRESHOLD). In UTF-8 this asks for a
-- block of 1 MB and uses a quarter of it.
select length(lpad('', 262144, ' '))
