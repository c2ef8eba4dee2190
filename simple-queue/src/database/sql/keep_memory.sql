-- keep_memory
-- Has the session keep the memory that its statements need.
--
-- The C library gives memory back to the system after every statement that used more than a bound, and takes it
-- again in the next, page by page, which costs a tenth of a claim of a thousand jobs. It learns the bound from
-- the largest piece that was ever freed: twice of it is kept from then on. In UTF-8 this asks for one of 1 MB,
-- of which it uses a quarter.
select length(lpad('', 262144, ' '))
